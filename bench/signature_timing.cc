// Does the time of checking a signature tell how much of it was right?
//
//   signature_timing [SAMPLES]      default: 1,000,000
//
// Welch's t between two kinds of wrong signatures: one that differs in its first digit, and one
// that differs in its last. They are drawn at random, and the slowest tenth of the samples, which
// interrupts made, is left out. Beyond 10 is taken for a leak (Reparaz, Balasch, Verbauwhede:
// "Dude, is my code constant time?", 2017).
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "routines/signature.h"

namespace {

struct Sample {
  bool last;
  int64_t nanoseconds;
};

double WelchT(const std::vector<Sample>& samples, int64_t most) {
  double count[2] = {}, mean[2] = {}, squares[2] = {};
  for (const Sample& sample : samples) {
    if (sample.nanoseconds > most) continue;
    const int kind = sample.last ? 1 : 0;
    const double time = static_cast<double>(sample.nanoseconds);
    const double difference = time - mean[kind];
    mean[kind] += difference / ++count[kind];
    squares[kind] += difference * (time - mean[kind]);
  }
  const double error =
      squares[0] / (count[0] - 1) / count[0] + squares[1] / (count[1] - 1) / count[1];
  return std::abs(mean[0] - mean[1]) / std::sqrt(error);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  const std::string secret = "It's a Secret to Everybody", body = "Hello, World!";
  std::string first = routines::SignGithubBody(secret, body), last = first;
  char& first_digit = first[sizeof("sha256=") - 1];
  first_digit = first_digit == '0' ? '1' : '0';
  last.back() = last.back() == '0' ? '1' : '0';
  std::mt19937_64 random(1);
  std::vector<Sample> samples;
  samples.reserve(count);
  int verified = 0;
  for (size_t i = 0; i < count; ++i) {
    const bool is_last = random() % 2 == 1;
    const std::string& signature = is_last ? last : first;
    const auto begin = std::chrono::steady_clock::now();
    verified += routines::VerifyGithubSignature(secret, body, signature) ? 1 : 0;
    const auto end = std::chrono::steady_clock::now();
    samples.push_back({is_last, (end - begin).count()});
  }
  if (verified != 0) return 1;
  std::vector<int64_t> times;
  for (const Sample& sample : samples) times.push_back(sample.nanoseconds);
  std::nth_element(times.begin(), times.begin() + static_cast<int64_t>(count * 9 / 10),
                   times.end());
  std::printf("%zu samples: t = %.2f\n", count, WelchT(samples, times[count * 9 / 10]));
  return 0;
}
