// The folder that a test's directory watcher looks at, whichever language the watcher is written
// in.
#ifndef ROUTINES_TESTS_UNIT_ENGINE_INBOX_FOLDER_H_
#define ROUTINES_TESTS_UNIT_ENGINE_INBOX_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace routines::testing {

// The folder of the inbox that was made last; the one before it goes.
class InboxFolder {
 public:
  ~InboxFolder() { Remove(); }
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
inline InboxFolder& TheFolder() {
  static InboxFolder folder;
  return folder;
}

// One more thing happens.
inline void WriteToInbox(int number) {
  std::ofstream(TheFolder().path / absl::StrCat(number)) << number;
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTS_UNIT_ENGINE_INBOX_FOLDER_H_
