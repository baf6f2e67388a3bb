# How targets of this project are made: one function for libraries, one for tests.

# ccache where there is one; the variables make its results independent of the folder of the clone.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=time_macros ${CCACHE_PROGRAM})
endif()

# Warnings are ours alone: nothing of this reaches a target that links us.
add_library(routines_warnings INTERFACE)
target_compile_options(routines_warnings INTERFACE -Wall -Wextra -Wno-unused-parameter
  -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# routines_library(<name> SOURCES … [PUBLIC dep…] [PRIVATE dep…])
# A static library routines_<name>, alias routines::<name>.
function(routines_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(routines_${name} STATIC ${ARG_SOURCES})
  add_library(routines::${name} ALIAS routines_${name})
  set_target_properties(routines_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(routines_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(routines_${name} PUBLIC ${ARG_PUBLIC}
    PRIVATE $<BUILD_INTERFACE:routines_warnings> ${ARG_PRIVATE})
  target_compile_features(routines_${name} PUBLIC cxx_std_20)
endfunction()

# The distribution's Abseil is not built for ThreadSanitizer; this makes its locks known to it.
if(ROUTINES_TSAN)
  add_library(routines_tsan OBJECT ${PROJECT_SOURCE_DIR}/tests/sanitizers/absl_mutex_tsan.cc)
  target_compile_options(routines_tsan PRIVATE -Wno-pmf-conversions)
endif()

# routines_instrument(<executable>): what a program needs besides its libraries in an instrumented build.
function(routines_instrument name)
  if(ROUTINES_TSAN)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:routines_tsan>)
    target_compile_definitions(${name} PRIVATE ROUTINES_TSAN)
  endif()
endfunction()

# routines_test(<name> SOURCES … DEPS …): a gtest program whose cases are ctest's.
function(routines_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE ROUTINES_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE routines_warnings ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  routines_instrument(${name})
  gtest_discover_tests(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} DISCOVERY_TIMEOUT 60)
endfunction()
