// The version of this library: kVersion.
#ifndef ROUTINES_VERSION_H_
#define ROUTINES_VERSION_H_

namespace routines {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace routines

#endif  // ROUTINES_VERSION_H_
