// A time zone database of a test's own, in place of the system's while it lives.
#ifndef ROUTINES_TESTS_UNIT_SCHEDULE_ZONE_FOLDER_H_
#define ROUTINES_TESTS_UNIT_SCHEDULE_ZONE_FOLDER_H_

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace routines {

class ZoneFolder {
 public:
  ZoneFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "zones-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    setenv("TZDIR", folder_.c_str(), 1);
  }
  ~ZoneFolder() {
    unsetenv("TZDIR");
    std::filesystem::remove_all(folder_);
  }

  // As package managers do it: beside, then in its place. `like` is a zone of the system.
  void Put(const std::string& name, const std::string& like) {
    std::ifstream file("/usr/share/zoneinfo/" + like, std::ios::binary);
    Write(name, {std::istreambuf_iterator<char>(file), {}});
  }
  void Write(const std::string& name, const std::string& bytes) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    const std::filesystem::path fresh = path.string() + ".new";
    std::ofstream(fresh, std::ios::binary) << bytes;
    std::filesystem::rename(fresh, path);
  }
  void Remove(const std::string& name) { std::filesystem::remove(folder_ / name); }

 private:
  std::filesystem::path folder_;
};

}  // namespace routines

#endif  // ROUTINES_TESTS_UNIT_SCHEDULE_ZONE_FOLDER_H_
