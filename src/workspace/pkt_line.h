// Git's framing of lines: four hex digits of length, themselves included, then the payload. "0000"
// is a flush (git-scm.com, gitprotocol-common).
#ifndef ROUTINES_SRC_WORKSPACE_PKT_LINE_H_
#define ROUTINES_SRC_WORKSPACE_PKT_LINE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace routines {

inline constexpr std::string_view kFlushPacket = "0000";
inline constexpr size_t kMaxPacket = 65520;  // with its length

// `payload` framed; it must not be longer than kMaxPacket - 4.
std::string PacketLine(std::string_view payload);

// `data` as packets of side-band-64k, channel `band` (1 data, 2 progress), cut where they must be.
std::string SideBand(int band, std::string_view data);

struct Packet {
  bool flush = false;
  std::string_view payload;
  size_t size = 0;  // bytes of `input` that it took; 0: `input` ends before the packet does
};

// Reads the first packet of `input`. kInvalidArgument: the length is not one, or is 1 to 3 (which
// mean something in protocol v2 only, and never in a push).
absl::StatusOr<Packet> ReadPacket(std::string_view input);

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_PKT_LINE_H_
