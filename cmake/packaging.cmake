# Where `cmake --install` puts things; CPack makes the Debian package from the same rules.
#
#   cmake --install build/release --prefix ~/.local
#   cpack --config build/release/CPackConfig.cmake -B build/packages
include(GNUInstallDirs)

# The document worker stays beside the programs, where they look for it.
foreach(program conclave conclave-desktop conclave-extract conclave-extract-pdf)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endforeach()

set(id org.conclave.Conclave)
set(linuxFolder ${PROJECT_SOURCE_DIR}/resources/linux)
install(DIRECTORY resources/models resources/guide DESTINATION ${CMAKE_INSTALL_DATADIR}/conclave)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(FILES ${linuxFolder}/${id}.desktop
    DESTINATION ${CMAKE_INSTALL_DATADIR}/applications OPTIONAL)
install(FILES ${linuxFolder}/${id}.metainfo.xml
    DESTINATION ${CMAKE_INSTALL_DATADIR}/metainfo OPTIONAL)
install(FILES ${linuxFolder}/${id}.svg
    DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/scalable/apps OPTIONAL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME conclave)
set(CPACK_PACKAGE_VENDOR Conclave)
set(CPACK_PACKAGE_CONTACT "The Conclave authors <conclave@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "private assistant that answers from your own documents")
set(CPACK_PACKAGE_DESCRIPTION
"Conclave answers questions about your own documents with a mixture-of-experts
language model that runs inside the program. It needs no account, no graphics
card and no network. Every answer cites the passages that it comes from, and
each citation is checked against its document.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Loaded at run time, so that dpkg-shlibdeps cannot see them: the SVG icon plugin, and glyphs for
# Chinese.
set(CPACK_DEBIAN_PACKAGE_DEPENDS libqt6svg6)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "fonts-inter, fonts-noto-cjk, fonts-noto-color-emoji")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
include(CPack)
