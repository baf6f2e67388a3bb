#include "routines/cancellation.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace routines {
namespace {

bool Readable(int fd) {
  pollfd poll_fd{fd, POLLIN, 0};
  return poll(&poll_fd, 1, 0) == 1;
}

TEST(Cancellation, IsSeenByAskingAndByPolling) {
  Cancellation cancellation;
  EXPECT_FALSE(cancellation.IsCancelled());
  EXPECT_FALSE(Readable(cancellation.fd()));
  cancellation.Cancel();
  cancellation.Cancel();
  EXPECT_TRUE(cancellation.IsCancelled());
  EXPECT_TRUE(Readable(cancellation.fd()));
  EXPECT_TRUE(Readable(cancellation.fd()));
}

}  // namespace
}  // namespace routines
