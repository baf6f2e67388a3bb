// The index of all triggers: groups by scope, and how changes reach them.
//
//   changes   one at a time; each is seen whole or not at all
//   readers   any number, without locks: pin a version, look at up to three groups
//
// A change prepares new versions of the groups that it touches, marked with the next version's
// number, so that readers still see the older ones; then that number becomes the newest. See
// index_epoch.h for what becomes of old versions.
#ifndef ROUTINES_SRC_MATCH_INDEX_H_
#define ROUTINES_SRC_MATCH_INDEX_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "routines/event.h"
#include "src/match/index_directory.h"
#include "src/match/index_epoch.h"
#include "src/match/index_group.h"
#include "src/match/index_merger.h"
#include "src/match/index_reader.h"
#include "src/match/index_values.h"

namespace routines {

// What a reader found, and its working memory.
struct IndexAnswer {
  // Triggers of one segment that matched: those of some of its words, which stand as they do in the
  // set of all its slots, from bits[begin] on.
  struct Run {
    std::shared_ptr<const Segment> segment;
    size_t begin = 0;
    WordRange words;

    const uint64_t* matches() const { return segment->matches().data() + 64 * words.begin; }
    size_t size() const { return words.end - words.begin; }
  };
  const uint64_t* bits_of(const Run& run) const {
    return bits.data() + run.begin + run.words.begin;
  }

  void Clear() {
    runs.clear();
    flat.clear();
    used = 0;
    groups = 0;
  }

  std::vector<Run> runs;
  std::vector<uint64_t> bits;  // of all runs; the first `used` words
  size_t used = 0;
  std::vector<uint64_t> flat;  // matches of small groups
  int groups = 0;              // that were looked at; a trigger may be in several

  IndexReader reader;
  EventValues values;
  SegmentScratch scratch;
  std::vector<WordRange> ranges;
  std::string key;
  uint32_t pin_hint = 0;
};

// A trigger of a routine in one of its groups. One that lists several repositories is in several.
struct PlacedRecord {
  Group* group;
  RecordRef record;
};

// Many at once: the group is still to be found by its key, and then kept in *place.
struct NewRecord {
  uint64_t group_hash;
  std::string_view key;
  Stream* stream;
  Group** place;
  RecordRef record;
};

void StreamKey(std::string_view source, std::string_view event, std::string& key);
// The key of a group: whose triggers an event can concern at all.
void GithubGroupKey(std::string_view event, std::string_view lower_pattern, std::string& key);
void CustomGroupKey(std::string_view source, std::string_view type, std::string& key);

class TriggerIndex {
 public:
  // `changes` is held by whoever makes changes, and by the merger.
  TriggerIndex(const IndexTuning& tuning, absl::Mutex& changes);

  EpochDomain& epochs() { return epochs_; }

  // ---- changes; under the lock ----

  // Whether nothing is left to be merged in background; for tests.
  bool settled() const { return merger_.idle(); }

  // The stream or group of a key, made where there is none.
  Stream& StreamOf(std::string_view source, std::string_view event);
  uint64_t HashOfGroup(std::string_view key) const { return groups_.HashOf(key); }
  Group& GroupOf(std::string_view key, uint64_t hash, Stream& stream);

  // Takes all records of `routine` out of `old_groups`, and puts `records` in: one change.
  void Apply(uint64_t routine, absl::Span<Group* const> old_groups,
             absl::Span<const PlacedRecord> records);
  // Adds records of new routines, as one change; each group gets one new version. `threads` work
  // on it.
  void AddAll(absl::Span<const NewRecord> records, size_t threads);

  // ---- readers ----

  absl::Status Match(const EventView& event, IndexAnswer& answer) const;

 private:
  static constexpr int kMostScopes = 3;

  int FindScopes(const EventView& event, std::string_view repository, std::string& keys,
                 const Group** scopes) const;
  absl::Status ReadFields(const Stream& stream, absl::Span<const GroupVersion* const> versions,
                          IndexAnswer& answer) const;
  static void MatchGroup(const GroupVersion& version, IndexAnswer& answer);

  void Install(Group& group, std::unique_ptr<const GroupVersion> made);
  void AddShard(absl::Span<NewRecord> records, std::vector<Group*>& large);

  const IndexTuning tuning_;
  mutable EpochDomain epochs_;
  Directory<Stream> streams_;
  Directory<Group> groups_;
  IndexMerger merger_;  // last: its thread uses all of the above
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_H_
