// What a consumer of the core writes; built three ways by test_package.py.
#include <iostream>

#include "routines/matcher.h"
#include "routines/routine.h"
#include "routines/schedule.h"
#include "routines/version.h"

int main() {
  const auto loaded = routines::LoadRoutine(
      R"({"name": "review", "prompt": "Review it.", "triggers": [{"id": "opened", "github":
         {"repositories": ["acme/app"], "event": "issues", "actions": ["opened"]}}]})",
      "review.json");
  for (const auto& problem : loaded.problems) std::cerr << problem.ToString() << "\n";
  routines::Matcher matcher;
  if (!matcher.Put(loaded.routine).ok()) return 1;
  routines::Matcher::Buffer buffer;
  const char* const payload = R"({"action": "opened", "repository": {"full_name": "acme/app"},
      "issue": {"number": 1, "title": "t", "user": {"login": "a"}}})";
  if (!matcher.Match({.source = "github", .type = "issues", .payload = payload}, buffer).ok()) {
    return 1;
  }
  std::cout << routines::kVersion << " " << buffer.matches().size() << " "
            << routines::Schedule::Parse("7 2 * * 1-5")->Describe() << "\n";
}
