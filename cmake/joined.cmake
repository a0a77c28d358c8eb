# CONCLAVE_JOINED=ON: sources are compiled six at a time and share their headers, which takes a third
# of the time from clean. After a change to one file all six are compiled again: the preset dev, which
# is for changing things, leaves it off.
option(CONCLAVE_JOINED "Compile sources six at a time" ON)
if(CONCLAVE_JOINED)
    set(CMAKE_UNITY_BUILD ON)
    set(CMAKE_UNITY_BUILD_BATCH_SIZE 6)
    add_compile_options(-Wno-subobject-linkage)  # takes a joined source for a header
endif()
