# CONCLAVE_SANITIZE=address,undefined or thread: for the whole build, since a sanitizer must see
# every object that it links.
set(CONCLAVE_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize=")
if(CONCLAVE_SANITIZE)
    add_compile_options(-fsanitize=${CONCLAVE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    # What these would say, the end of the program says as well; they take a fifth of the compilation.
    add_compile_options(-fno-sanitize=null,vptr)
    add_link_options(-fsanitize=${CONCLAVE_SANITIZE})
endif()
