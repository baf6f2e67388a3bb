// Time zones as the system's database has them now.
//
// Abseil reads a zone once and keeps it, under its name, for the life of the process. Here a zone
// whose file has changed since is read again; what was read before stays valid and as it was.
//
// Thread-safety: every function may be called from any thread. Blocking: looks at one file, and
// reads it where it is new.
#ifndef ROUTINES_SRC_SCHEDULE_ZONES_H_
#define ROUTINES_SRC_SCHEDULE_ZONES_H_

#include <string>

#include "absl/time/time.h"

namespace routines {

// The zone with that IANA name in the folder TZDIR, or /usr/share/zoneinfo. False: there is none,
// or the name is none but a path, or one of Abseil's own such as Fixed/UTC+01:00:00 and localtime.
// A file that went away, or cannot be read just now, leaves the zone as it was.
bool LoadZone(const std::string& name, absl::TimeZone* zone);

// The name by which LoadZone gave it.
std::string NameOfZone(const absl::TimeZone& zone);

}  // namespace routines

#endif  // ROUTINES_SRC_SCHEDULE_ZONES_H_
