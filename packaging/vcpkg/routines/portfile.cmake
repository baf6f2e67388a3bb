# An overlay port that builds the repository it lies in: --overlay-ports=<repository>/packaging/vcpkg
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS options FEATURES
  yaml ROUTINES_YAML
  engine ROUTINES_ENGINE
  executors ROUTINES_EXECUTORS
  sqlite ROUTINES_SQLITE
  workspace ROUTINES_WORKSPACE
  connector ROUTINES_CONNECTOR
  server ROUTINES_SERVER
  cli ROUTINES_CLI
  capi ROUTINES_CAPI)

vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS ${options} -DROUTINES_TESTS=OFF -DROUTINES_INSTALL=ON)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME routines CONFIG_PATH lib/cmake/routines)
vcpkg_fixup_pkgconfig()
if("cli" IN_LIST FEATURES)
  vcpkg_copy_tools(TOOL_NAMES routines AUTO_CLEAN)
endif()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
