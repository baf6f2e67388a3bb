#include "src/workspace/pkt_line.h"

#include <gtest/gtest.h>

namespace routines {
namespace {

TEST(PktLine, FramesWithItsOwnLength) {
  EXPECT_EQ(PacketLine("a\n"), "0006a\n");
  EXPECT_EQ(PacketLine(""), "0004");
}

TEST(PktLine, ReadsWhatItWrote) {
  const std::string two = PacketLine("hello") + std::string(kFlushPacket);
  const auto first = ReadPacket(two);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->payload, "hello");
  const auto second = ReadPacket(std::string_view(two).substr(first->size));
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->flush);
  EXPECT_EQ(second->size, 4u);
}

TEST(PktLine, AsksForMoreWhereThePacketIsNotComplete) {
  for (const char* part : {"", "0", "000", "0009hell"}) {
    const auto packet = ReadPacket(part);
    ASSERT_TRUE(packet.ok()) << part;
    EXPECT_EQ(packet->size, 0u) << part;
    EXPECT_FALSE(packet->flush) << part;
  }
}

TEST(PktLine, RefusesLengthsThatAreNone) {
  for (const char* bad :
       {"0001", "0002", "0003", "fff1", "ffff", "x", "00 9hell", "-001", "+006aa"}) {
    EXPECT_EQ(ReadPacket(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(PktLine, CutsSideBandDataWherePacketsEnd) {
  const std::string data(100000, 'x');
  std::string framed = SideBand(1, data), joined;
  for (std::string_view rest = framed; !rest.empty();) {
    const auto packet = ReadPacket(rest);
    ASSERT_TRUE(packet.ok());
    ASSERT_GT(packet->size, 5u);
    EXPECT_EQ(packet->payload[0], 1);
    joined += packet->payload.substr(1);
    rest.remove_prefix(packet->size);
  }
  EXPECT_EQ(joined, data);
}

}  // namespace
}  // namespace routines
