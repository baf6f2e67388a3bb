#include "src/workspace/pkt_line.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace routines {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string PacketLine(std::string_view payload) {
  std::string packet = absl::StrFormat("%04x", payload.size() + 4);
  packet.append(payload);
  return packet;
}

std::string SideBand(int band, std::string_view data) {
  constexpr size_t kMaxPiece = kMaxPacket - 5;
  std::string packets;
  while (!data.empty()) {
    const std::string_view piece = data.substr(0, kMaxPiece);
    packets += PacketLine(std::string(1, static_cast<char>(band)) + std::string(piece));
    data.remove_prefix(piece.size());
  }
  return packets;
}

absl::StatusOr<Packet> ReadPacket(std::string_view input) {
  size_t length = 0;
  for (size_t i = 0; i < std::min<size_t>(input.size(), 4); ++i) {
    const int digit = HexDigit(input[i]);
    if (digit < 0) return absl::InvalidArgumentError("a packet does not begin with its length");
    length = length * 16 + digit;
  }
  if (input.size() < 4) return Packet{};
  if (length == 0) return Packet{.flush = true, .size = 4};
  if (length < 4 || length > kMaxPacket) {
    return absl::InvalidArgumentError(
        absl::StrCat("packet length ", length, " is not allowed here"));
  }
  if (input.size() < length) return Packet{};
  return Packet{.payload = input.substr(4, length - 4), .size = length};
}

}  // namespace routines
