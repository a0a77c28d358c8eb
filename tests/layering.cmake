# layering.cmake: names every #include that goes up, sideways, past a facade, or to Qt from below.
#
#   cmake -DROOT=SOURCE_FOLDER -P tests/layering.cmake
#
# The one direction is: programs in app/ -> ui -> app/services -> engine, retrieval, storage -> base.
# Outside its library only a library's facade header is included. A library's own tests may include
# its inside; fuzzers and benchmarks reach into every library, since that is what they are for.
cmake_minimum_required(VERSION 3.25)

# What each part may include, besides itself: "facade of" these libraries. base is open to all.
set(mayUse_base "")
set(mayUse_engine "")
set(mayUse_retrieval "")
set(mayUse_storage "")
set(mayUse_services engine retrieval storage)
set(mayUse_ui services)
set(mayUse_app ui services engine retrieval storage)
set(facade_engine engine/engine.h)
set(facade_retrieval retrieval/retrieval.h)
set(facade_storage storage/storage.h)
set(facade_services app/services/services.h)
set(facade_ui ui/ui.h)
set(level_base 0)
set(level_engine 1)
set(level_retrieval 1)
set(level_storage 1)
set(level_services 2)
set(level_ui 3)
set(level_app 4)

# The part that a path belongs to; empty for files outside the layers.
function(part_of path result)
    set(part "")
    if(path MATCHES "^app/services/")
        set(part services)
    elseif(path MATCHES "^(base|engine|retrieval|storage|ui|app)/")
        set(part ${CMAKE_MATCH_1})
    endif()
    set(${result} "${part}" PARENT_SCOPE)
endfunction()

set(problems "")
set(nIncludes 0)
set(nFiles 0)

function(complain file include text)
    set(problems "${problems}${file}: #include ${include} ${text}\n" PARENT_SCOPE)
endfunction()

foreach(folder app base bench engine retrieval storage tests ui)
    file(GLOB_RECURSE found RELATIVE ${ROOT} ${ROOT}/${folder}/*.h ${ROOT}/${folder}/*.cpp)
    list(APPEND files ${found})
endforeach()

foreach(file IN LISTS files)
    math(EXPR nFiles "${nFiles} + 1")
    # Tests of a library count as that library; `open` files may include any library's inside.
    set(open FALSE)
    set(isTest FALSE)
    if(file MATCHES "^tests/(base|engine|retrieval|storage|services|ui|app)/")
        set(part ${CMAKE_MATCH_1})
        set(isTest TRUE)
    elseif(file MATCHES "^(tests|bench)/")
        set(part app)
        set(open TRUE)
    else()
        part_of(${file} part)
    endif()
    cmake_path(GET file PARENT_PATH folder)

    file(STRINGS ${ROOT}/${file} lines REGEX "^[ \t]*#[ \t]*include[ \t]*[<\"]")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^[ \t]*#[ \t]*include[ \t]*([<\"][^>\"]*[>\"]).*" "\\1" include "${line}")
        string(REGEX REPLACE "[<>\"]" "" target "${include}")
        math(EXPR nIncludes "${nIncludes} + 1")

        if(include MATCHES "^<(Qt[A-Za-z]+/|Q[A-Z]|q[a-z]+\\.h>)")
            set(qtAllowed FALSE)
            if(part STREQUAL ui OR open OR file STREQUAL "app/desktop_main.cpp"
               OR file MATCHES "^retrieval/extractor/pdf")
                set(qtAllowed TRUE)
            endif()
            if(NOT qtAllowed)
                complain(${file} ${include} "brings Qt in: it stays in ui/, app/desktop_main.cpp and retrieval/extractor/pdf*")
            endif()
            continue()
        endif()
        # A benchmark writes down what others do with SQLite.
        if(target STREQUAL "sqlite3.h" AND NOT part STREQUAL storage AND NOT file MATCHES "^bench/")
            complain(${file} ${include} "brings SQL in: it stays in storage/")
            continue()
        endif()

        # Includes name the path from the source folder, or a neighbour.
        if(NOT EXISTS ${ROOT}/${target})
            cmake_path(SET neighbour NORMALIZE "${folder}/${target}")
            if(NOT EXISTS ${ROOT}/${neighbour})
                continue()  # a system header, or one that the build makes
            endif()
            set(target ${neighbour})
        endif()
        part_of(${target} targetPart)
        if(targetPart STREQUAL "" OR targetPart STREQUAL "base" OR targetPart STREQUAL part OR open)
            continue()
        endif()
        if(isTest AND part STREQUAL "ui" AND target STREQUAL facade_${targetPart} AND NOT targetPart STREQUAL app)
            continue()  # a test of the window may speak of what the services hand it
        endif()
        if(targetPart IN_LIST mayUse_${part})
            if(NOT target STREQUAL facade_${targetPart})
                complain(${file} ${include} "goes past the facade ${facade_${targetPart}}")
            endif()
        elseif(level_${targetPart} GREATER level_${part})
            complain(${file} ${include} "goes up, from ${part} to ${targetPart}")
        elseif(level_${targetPart} EQUAL level_${part})
            complain(${file} ${include} "goes sideways, from ${part} to ${targetPart}")
        else()
            complain(${file} ${include} "skips a layer, from ${part} to ${targetPart}: ask ${mayUse_${part}}")
        endif()
    endforeach()
endforeach()

if(problems)
    message(FATAL_ERROR "The layers are broken (STYLE: one direction, one facade per library):\n${problems}")
endif()
if(nIncludes EQUAL 0)
    message(FATAL_ERROR "No #include was found below ${ROOT}: is it the source folder?")
endif()
message(STATUS "${nIncludes} includes in ${nFiles} files keep the layers")
