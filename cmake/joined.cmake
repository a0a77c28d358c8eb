# CONCLAVE_JOINED=ON: sources are compiled twelve at a time and share their headers, which takes a third
# of the time from clean. After a change to one file all twelve are compiled again: the preset dev, which
# is for changing things, leaves it off.
option(CONCLAVE_JOINED "Compile sources twelve at a time" ON)
if(CONCLAVE_JOINED)
    set(CMAKE_UNITY_BUILD ON)
    set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)
    add_compile_options(-Wno-subobject-linkage)  # takes a joined source for a header
endif()
