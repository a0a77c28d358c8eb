# packaging_test.cmake: installs into a scratch folder and starts the installed program there.
#
#   cmake -DBUILD=BUILD_FOLDER -DWORK=SCRATCH_FOLDER -P tests/packaging_test.cmake
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/usr
    RESULT_VARIABLE status OUTPUT_QUIET)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "cmake --install failed")
endif()
foreach(file
        bin/conclave bin/conclave-extract
        share/conclave/guide/en/01-first-steps.md share/conclave/guide/zh-CN/01-first-steps.md
        share/conclave/models/NOTICE share/conclave/models/GPL-3.0.txt
        share/conclave/models/conclave-tiny-20M-Q8_0.gguf
        share/conclave/models/conclave-embed-static-256-q8_0.gguf)
    if(NOT EXISTS ${WORK}/usr/${file})
        message(FATAL_ERROR "${file} was not installed")
    endif()
endforeach()

# The installed program must use what was installed beside it, not this source tree.
execute_process(COMMAND ${CMAKE_COMMAND} -E env CONCLAVE_HOME=${WORK}/home
    ${WORK}/usr/bin/conclave models list --json
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "the installed conclave failed: ${errors}")
endif()
if(NOT output MATCHES "${WORK}/usr/share/conclave/models/conclave-tiny-20M-Q8_0.gguf")
    message(FATAL_ERROR "the installed conclave does not use the installed model:\n${output}")
endif()
message(STATUS "installed and started")
