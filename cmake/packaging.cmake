# Where `cmake --install` puts things; CPack makes the Debian package from the same rules.
include(GNUInstallDirs)
