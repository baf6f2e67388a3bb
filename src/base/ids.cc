#include "src/base/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/synchronization/mutex.h"

namespace routines {
namespace {

constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

// The last ULID that was given out, so that the next one is greater.
class UlidSource {
 public:
  std::array<uint8_t, 16> Next(int64_t milliseconds) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (milliseconds > last_milliseconds_) {
      last_milliseconds_ = milliseconds;
      const std::string random = RandomBytes(10);
      for (int i = 0; i < 6; ++i) last_[i] = static_cast<uint8_t>(milliseconds >> (8 * (5 - i)));
      std::copy(random.begin(), random.end(), last_.begin() + 6);
    } else {
      // The same millisecond, or a clock that stepped back: count up by a random step below 2^32,
      // which keeps ids unguessable. A carry out of the random part moves the time on by a
      // millisecond.
      const std::string random = RandomBytes(4);
      unsigned carry = 1;
      for (int i = 15; i >= 0; --i) {
        const unsigned step = i >= 12 ? static_cast<uint8_t>(random[i - 12]) : 0;
        const unsigned sum = last_[i] + step + carry;
        last_[i] = static_cast<uint8_t>(sum);
        carry = sum >> 8;
      }
    }
    return last_;
  }

 private:
  absl::Mutex mu_;
  int64_t last_milliseconds_ ABSL_GUARDED_BY(mu_) = -1;
  std::array<uint8_t, 16> last_ ABSL_GUARDED_BY(mu_) = {};
};

}  // namespace

std::string RandomBytes(size_t bytes) {
  std::string random(bytes, '\0');
  for (size_t done = 0; done < bytes;) {
    const ssize_t got = getrandom(random.data() + done, bytes - done, 0);
    if (got > 0)
      done += got;
    else if (errno != EINTR)
      std::abort();  // no kernel of our floor lacks getrandom
  }
  return random;
}

std::string RandomKey() {
  return absl::WebSafeBase64Escape(RandomBytes(32));
}

std::string NewId(std::string_view prefix, absl::Time now) {
  static UlidSource* const source = new UlidSource;
  const std::array<uint8_t, 16> ulid = source->Next(std::max<int64_t>(absl::ToUnixMillis(now), 0));
  std::string id(prefix);
  // 128 bits as 26 digits of 5: the first digit has two bits of padding in front.
  for (int digit = 0; digit < 26; ++digit) {
    unsigned value = 0;
    for (int bit = digit * 5 - 2; bit < digit * 5 + 3; ++bit) {
      value = value << 1 | (bit < 0 ? 0 : ulid[bit / 8] >> (7 - bit % 8) & 1);
    }
    id += kCrockford[value];
  }
  return id;
}

bool IsTriggerId(std::string_view id) {
  constexpr std::string_view kPrefix = "trig_";
  if (id.substr(0, kPrefix.size()) != kPrefix) return false;
  id.remove_prefix(kPrefix.size());
  return id.size() >= 8 && id.size() <= 64 &&
         std::all_of(id.begin(), id.end(), [](char c) { return absl::ascii_isalnum(c); });
}

}  // namespace routines
