# CONCLAVE_SANITIZE=address,undefined or thread: for the whole build, since a sanitizer must see
# every object that it links.
set(CONCLAVE_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize=")
if(CONCLAVE_SANITIZE)
    add_compile_options(-fsanitize=${CONCLAVE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${CONCLAVE_SANITIZE})
    # Instrumented templates take most of such a build; six sources at a time share them, which makes
    # it four times as fast. The release build stays file by file.
    set(CMAKE_UNITY_BUILD ON)
    set(CMAKE_UNITY_BUILD_BATCH_SIZE 6)
    add_compile_options(-Wno-subobject-linkage)  # takes a joined source for a header
endif()
