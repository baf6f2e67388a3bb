// Which triggers does the GitHub event on standard input start? In C++; main.c is the same in C.
#include <iostream>
#include <iterator>
#include <string>

#include "review.h"
#include "routines/matcher.h"
#include "routines/routine.h"

int main() {
  const std::string body(std::istreambuf_iterator<char>(std::cin), {});
  const auto loaded = routines::LoadRoutine(kReview, "review.yaml");
  routines::Matcher matcher;
  routines::Matcher::Buffer buffer;
  if (!loaded.ok() || !matcher.Put(loaded.routine).ok()) return 1;
  if (!routines::CheckGithubPayload("issues", body).ok()) return 1;
  const routines::EventView event{.source = "github", .type = "issues", .payload = body};
  if (!matcher.Match(event, buffer).ok()) return 1;
  for (const auto& match : buffer.matches()) std::cout << "trigger " << match.trigger << "\n";
}
