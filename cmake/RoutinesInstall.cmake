# What `cmake --install` and `cpack -G DEB` put where. docs/packages.md tells users about it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The components of find_package(routines), in an order in which each comes after what it needs; a
# component is the target routines::<component>.
set(routines_components)
foreach(name core crypto store_memory engine executor store_sqlite connector workspace embedded server
        testing cases)
  if(TARGET routines_${name})
    list(APPEND routines_components ${name})
  endif()
endforeach()
set(routines_archives)
foreach(name proto base match schedule config crypto store_transitions store_memory engine executor
        store_sqlite connector workspace embedded server reference_matcher testing cases)
  if(TARGET routines_${name})
    list(APPEND routines_archives routines_${name})
  endif()
endforeach()

install(TARGETS routines_core ${routines_archives} EXPORT routinesTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(DIRECTORY include/routines DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
  FILES_MATCHING PATTERN "*.h")
get_target_property(generated routines_proto BINARY_DIR)
install(DIRECTORY ${generated}/gen/routines DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
  FILES_MATCHING PATTERN "*.pb.h")
install(DIRECTORY proto/routines DESTINATION ${CMAKE_INSTALL_DATADIR}/routines/proto COMPONENT dev
  FILES_MATCHING PATTERN "*.proto")

# ---- find_package ----
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/routines)
install(EXPORT routinesTargets NAMESPACE routines:: DESTINATION ${package_dir} COMPONENT dev)
# Before 1.0 a minor version may change the C++ API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/routinesConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/routinesConfig.cmake
  ${PROJECT_BINARY_DIR}/routinesConfigVersion.cmake DESTINATION ${package_dir} COMPONENT dev)

# ---- pkg-config ----
# routines_pc(<component> TEXT <description> [LIBS <library>…] [REQUIRES <module>…] [FLAGS <flag>…])
# The prefix is told from where the file lies, so that the whole may be moved.
file(RELATIVE_PATH PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
function(routines_pc name)
  cmake_parse_arguments(ARG "" "TEXT" "LIBS;REQUIRES;FLAGS" ${ARGN})
  set(PC_NAME routines_${name})
  set(PC_TEXT ${ARG_TEXT})
  list(TRANSFORM ARG_LIBS PREPEND -l)
  list(JOIN ARG_LIBS " " PC_LIBS)
  list(JOIN ARG_FLAGS " " flags)
  string(APPEND PC_LIBS " ${flags}")
  list(JOIN ARG_REQUIRES " " PC_REQUIRES)
  configure_file(cmake/routines.pc.in ${PROJECT_BINARY_DIR}/routines_${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/routines_${name}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endfunction()

set(core_requires absl_status absl_statusor absl_strings absl_str_format absl_synchronization absl_time
  absl_flat_hash_map absl_hash absl_inlined_vector absl_span absl_bits protobuf re2 simdjson)
if(ROUTINES_YAML)
  list(APPEND core_requires yaml-cpp)
endif()
routines_pc(core TEXT "load, validate, match, schedule, explain" REQUIRES ${core_requires}
  LIBS routines_config routines_match routines_schedule routines_base routines_proto FLAGS -pthread)
if(TARGET routines_engine)
  routines_pc(engine TEXT "the engine, in memory" REQUIRES routines_core libcrypto
    LIBS routines_engine routines_store_memory routines_store_transitions routines_crypto)
endif()
if(TARGET routines_embedded)
  # workspace and connector are linked by embedded, so they are there.
  set(embedded_libs routines_embedded routines_executor routines_store_sqlite routines_store_transitions
    routines_workspace)
  if(TARGET routines_connector)
    list(APPEND embedded_libs routines_connector)
  endif()
  routines_pc(embedded TEXT "an engine on a folder" LIBS ${embedded_libs}
    REQUIRES routines_engine libssl libcrypto sqlite3 libzstd zlib)
endif()

# ---- the C ABI ----
if(TARGET routines_c)
  install(TARGETS routines_c EXPORT routinesTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT dev)
  install(DIRECTORY capi/include/routines DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
  list(APPEND routines_components c)
  routines_pc(c TEXT "the C ABI" LIBS routines_c)
endif()

# Known now: which components there are.
set(ROUTINES_COMPONENTS ${routines_components})
configure_package_config_file(cmake/routinesConfig.cmake.in
  ${PROJECT_BINARY_DIR}/routinesConfig.cmake INSTALL_DESTINATION ${package_dir})

# ---- Debian packages ----
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME routines)
set(CPACK_PACKAGE_VENDOR routines)
set(CPACK_PACKAGE_CONTACT "the maintainers of routines <routines@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Unattended agent sessions, started by schedules and events")
set(CPACK_PACKAGE_DESCRIPTION
  "Turns a saved configuration (a prompt, git repositories, environment, connectors) into unattended
agent sessions, started by a schedule, an HTTP call, a GitHub event, or a host's own source.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENTS_ALL dev)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libroutines-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)
set(dev_depends libabsl-dev libprotobuf-dev libre2-dev libsimdjson-dev)
if(ROUTINES_YAML)
  list(APPEND dev_depends libyaml-cpp-dev)
endif()
if(TARGET routines_engine)
  list(APPEND dev_depends libssl-dev)
endif()
if(TARGET routines_embedded)
  list(APPEND dev_depends libboost-dev libsqlite3-dev libzstd-dev zlib1g-dev)
endif()
if(TARGET routines_server)
  list(APPEND dev_depends prometheus-cpp-dev)
endif()
if(TARGET routines_c)
  list(APPEND CPACK_COMPONENTS_ALL library)
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libroutines-c${ROUTINES_ABI})
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
  list(APPEND dev_depends "libroutines-c${ROUTINES_ABI} (= ${PROJECT_VERSION})")
endif()
if(TARGET routines)
  list(APPEND CPACK_COMPONENTS_ALL tools)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME routines)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION utils)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_RECOMMENDS "git, bubblewrap")
endif()
list(JOIN dev_depends ", " CPACK_DEBIAN_DEV_PACKAGE_DEPENDS)
include(CPack)
