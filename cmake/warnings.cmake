# Linked privately by every target of ours; CONCLAVE_WERROR is on in the presets that ./check uses.
option(CONCLAVE_WERROR "Treat warnings as errors" OFF)
add_library(conclave_warnings INTERFACE)
add_library(conclave::warnings ALIAS conclave_warnings)
target_compile_options(conclave_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual
    $<$<BOOL:${CONCLAVE_WERROR}>:-Werror>)
# GCC 12 sees overlapping copies in `"text" + std::to_string(n)` that are not there (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(conclave_warnings INTERFACE -Wno-restrict)
endif()
# With the sanitizers' extra code in between, GCC takes every variant for uninitialized; builds without
# them keep the warning.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CONCLAVE_SANITIZE)
    target_compile_options(conclave_warnings INTERFACE -Wno-maybe-uninitialized)
endif()
