#include "src/schedule/zones.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace routines {
namespace {

// What tells one state of a file from another; all zero: there is no file.
using Stamp = std::tuple<dev_t, ino_t, off_t, time_t, long>;

struct Known {
  Stamp stamp;
  absl::TimeZone zone;
};

// Beside Abseil's own table of zones, and for as long.
struct Zones {
  absl::Mutex mu;
  absl::flat_hash_map<std::string, Known> known ABSL_GUARDED_BY(mu);
  absl::flat_hash_map<std::string, std::string> names ABSL_GUARDED_BY(mu);  // of those read again
  uint64_t readings ABSL_GUARDED_BY(mu) = 0;
};

Zones& TheZones() {
  static Zones& zones = *new Zones;
  return zones;
}

std::string Folder() {
  const char* const folder = std::getenv("TZDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/usr/share/zoneinfo";
}

Stamp StampOf(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

// A path to the same file that nobody had before: Abseil, which keeps what it read by name, reads
// it. The number's bits are "/." and "/".
std::string FreshPath(const std::string& name, uint64_t number) {
  std::string path = absl::StrCat("file:", Folder());
  for (; number > 0; number >>= 1) path += (number & 1) != 0 ? "/." : "/";
  return absl::StrCat(path, "/", name);
}

// Safe as a path below the database: Abseil would open any file, also one that is never read to its
// end.
bool IsZoneName(const std::string& name) {
  const bool characters = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '+' || c == '/';
  });
  return characters && name.size() <= 64 && !name.empty() && absl::ascii_isalpha(name[0]) &&
         name != "localtime" && !absl::StartsWith(name, "Fixed/");
}

}  // namespace

bool LoadZone(const std::string& name, absl::TimeZone* zone) {
  if (!IsZoneName(name)) return false;
  const Stamp stamp = StampOf(absl::StrCat(Folder(), "/", name));
  Zones& zones = TheZones();
  absl::MutexLock lock(&zones.mu);
  const auto found = zones.known.find(name);
  if (found == zones.known.end()) {
    if (!absl::LoadTimeZone(name, zone)) return false;
    zones.known.emplace(name, Known{stamp, *zone});
    return true;
  }
  Known& known = found->second;
  if (stamp != known.stamp && stamp != Stamp()) {
    const std::string path = FreshPath(name, ++zones.readings);
    absl::TimeZone fresh;
    if (absl::LoadTimeZone(path, &fresh)) {
      known = {stamp, fresh};
      zones.names[fresh.name()] = name;
    }
  }
  *zone = known.zone;
  return true;
}

std::string NameOfZone(const absl::TimeZone& zone) {
  Zones& zones = TheZones();
  absl::MutexLock lock(&zones.mu);
  const auto found = zones.names.find(zone.name());
  return found == zones.names.end() ? zone.name() : found->second;
}

}  // namespace routines
