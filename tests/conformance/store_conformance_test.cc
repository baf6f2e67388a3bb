// The built-in stores, held to the suite that is shipped to users.
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "routines/store.h"
#include "routines/testing/conformance.h"

namespace routines::testing {
namespace {

StoreFactory Memory() {
  return {.make = [] { return NewMemoryStore(); }, .reopen = nullptr};
}

#ifdef ROUTINES_HAVE_SQLITE
// A folder that is removed with this.
struct TempFolder {
  TempFolder() : path(::testing::TempDir() + "routines_store_XXXXXX") {
    EXPECT_NE(mkdtemp(path.data()), nullptr);
  }
  ~TempFolder() { std::filesystem::remove_all(path); }

  std::string path;
};

// A new folder for each store.
StoreFactory Sqlite() {
  auto folder = std::make_shared<std::unique_ptr<TempFolder>>();
  auto open = [folder]() -> std::unique_ptr<Store> {
    auto store = OpenSqliteStore({.path = (*folder)->path + "/state.db"});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  };
  auto make = [folder, open] {
    *folder = std::make_unique<TempFolder>();
    return open();
  };
  auto reopen = [open](std::unique_ptr<Store> store) {
    store.reset();
    return open();
  };
  return {make, reopen};
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformanceTest, ::testing::Values(Sqlite()));
INSTANTIATE_TEST_SUITE_P(Sqlite, DurableStoreConformanceTest, ::testing::Values(Sqlite()));
#endif

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformanceTest, ::testing::Values(Memory()));

}  // namespace
}  // namespace routines::testing
