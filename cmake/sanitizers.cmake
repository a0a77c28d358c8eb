# CONCLAVE_SANITIZE=address,undefined or thread: for the whole build, since a sanitizer must see
# every object that it links.
set(CONCLAVE_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize=")
if(CONCLAVE_SANITIZE)
    add_compile_options(-fsanitize=${CONCLAVE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${CONCLAVE_SANITIZE})
endif()
