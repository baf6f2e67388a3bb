// The workload of the matcher's benchmarks: routines and pull-request events, drawn by a seed.
//
// 70 % of the routines pin one of N/10 repositories, 20 % one of N/100 organisations, 10 % none.
// Each asks for one or two of eight actions, and has 1 to 4 conditions: 45 % equals or is_one_of,
// 15 % starts_with, 15 % contains, 10 % is_not_one_of, 10 % booleans, 5 % regular expressions.
// Events are GitHub's own examples of 21 to 27 KB with repository, people, branches, labels, title
// and body drawn anew; no title and no body comes twice.
#ifndef ROUTINES_BENCH_WORKLOAD_H_
#define ROUTINES_BENCH_WORKLOAD_H_

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "routines/v1/routine.pb.h"

namespace routines::bench {

// Which operators are drawn; what others cannot express is made an equals.
enum class Subset {
  kSimple,    // equals, is_one_of, starts_with, is_not_one_of, booleans
  kContains,  // contains, too
  kFull,      // regular expressions, too
};

class Workload {
 public:
  Workload(size_t routines, Subset subset, uint64_t seed);

  v1::Routine Routine(size_t number);
  // A payload of pull_request. Empty: the examples are not there (script/setup test fetches them).
  std::string Event();

  // For sets of a special make.
  std::string Word();  // some words are much more frequent than others
  std::string AnyWord() { return words_[random_() % words_.size()]; }
  std::string EventOf(std::string_view repository, std::string_view title, std::string_view body);

 private:
  struct Words;

  std::string Sentence(size_t words);
  std::string Branch();
  std::string Label();
  std::string Login();
  std::string Association();
  std::string Title();
  std::string Body();
  std::string Labels();
  std::string RegexOf();
  std::string RepositoryOf(size_t number) const;

  void AddEquals(v1::Condition& condition);
  void AddStartsWith(v1::Condition& condition);
  void AddContains(v1::Condition& condition);
  void AddNotOneOf(v1::Condition& condition);
  void AddBoolean(v1::Condition& condition);
  void AddRegex(v1::Condition& condition);
  void AddCondition(v1::Condition& condition);

  const size_t routines_;
  const Subset subset_;
  std::mt19937_64 random_;
  std::vector<std::string> words_;
  std::vector<std::string> templates_;
  uint64_t drawn_ = 0;
};

// Sets on one repository that are hard for some kinds of index.
struct HardSet {
  std::string_view name;
  v1::Condition (*condition)(Workload& workload, size_t number);
  std::string (*body)(Workload& workload, size_t number);  // of an event
};
std::vector<HardSet> HardSets();
v1::Routine HardRoutine(const HardSet& set, Workload& workload, size_t number);

}  // namespace routines::bench

#endif  // ROUTINES_BENCH_WORKLOAD_H_
