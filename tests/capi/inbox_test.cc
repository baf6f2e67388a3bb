// The directory watcher in C, held to the contract of sources; the one in C++ is held to it in
// tests/unit/engine/sources_test.cc.
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "capi/src/engine.h"
#include "examples/03_inbox/inbox_c.h"
#include "routines/testing/trigger_source_conformance.h"

namespace routines::testing {
namespace {

// The folder of the inbox that was made last; the one before it goes.
class Folder {
 public:
  ~Folder() { Remove(); }
  const std::filesystem::path& Renew() {
    Remove();
    std::string pattern = (std::filesystem::temp_directory_path() / "inbox-XXXXXX").string();
    return path = mkdtemp(pattern.data());
  }
  std::filesystem::path path;

 private:
  void Remove() {
    if (!path.empty()) std::filesystem::remove_all(path);
  }
};
Folder& TheFolder() {
  static Folder folder;
  return folder;
}

std::shared_ptr<TriggerSource> MakeInbox() {
  return capi::AdaptSource(inbox_source(TheFolder().Renew().c_str()), std::make_shared<int>());
}

void WriteFile(int number) {
  std::ofstream(TheFolder().path / absl::StrCat(number)) << number;
}

INSTANTIATE_TEST_SUITE_P(InboxInC, TriggerSourceConformanceTest,
                         ::testing::Values(TriggerSourceFactory{MakeInbox, WriteFile}));

}  // namespace
}  // namespace routines::testing
