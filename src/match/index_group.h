// A group: all triggers of one scope (an event and a repository pattern, or a custom source and
// type), as a chain of versions.
//
// A version is immutable. It has a flat run of records, scanned one after the other, and beside it
// segments, which are built once and searched by bits (index_segment.h). A change makes a new
// version: the flat run is copied, for it is small; of a segment only the bits of what is alive.
// When the flat run has grown too long it becomes a segment, and segments of like size become one,
// as in a log-structured merge tree.
//
// Thread-safety: any number of pinned readers; one writer at a time.
#ifndef ROUTINES_SRC_MATCH_INDEX_GROUP_H_
#define ROUTINES_SRC_MATCH_INDEX_GROUP_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "src/match/index_record.h"
#include "src/match/index_segment.h"
#include "src/match/index_stream.h"

namespace routines {

// When groups change their shape. Tests make small groups large with it.
struct IndexTuning {
  uint32_t most_flat = 64;       // records in a flat run
  uint32_t most_inline = 256;    // records that a change merges itself; more is done in background
  uint32_t least_cluster = 512;  // records with the same actions that stand apart in a segment
};

// One segment of a version, and which of its records are still there.
struct SegmentRef {
  std::shared_ptr<const Segment> segment;
  std::shared_ptr<const std::vector<uint64_t>> live;
  uint32_t alive = 0;
};
using SegmentRefs = std::vector<SegmentRef>;

class GroupVersion {
 public:
  uint64_t version = 0;
  const GroupVersion* older = nullptr;  // what readers of older versions see
  // Fields that its conditions look at: of the stream's first chunk, one bit each; of others, the
  // numbers of the chunks, which are then read whole.
  uint64_t fields = 0;
  std::shared_ptr<const std::vector<uint16_t>> other_chunks;
  std::shared_ptr<const SegmentRefs> segments;  // null: none; large ones first
  uint32_t flat_count = 0;
  uint32_t flat_bytes = 0;  // of records

  // Of the flat run, both in the memory behind this: who, in order, and the records.
  const uint64_t* matches() const { return reinterpret_cast<const uint64_t*>(this + 1); }
  const char* records() const { return reinterpret_cast<const char*>(matches() + flat_count); }

  static std::unique_ptr<GroupVersion> Make(absl::Span<const RecordRef> flat);
  static void operator delete(void* memory) { ::operator delete(memory); }

 private:
  GroupVersion() = default;
};

// The head stands first, for it is what readers come for; the key, which they look at before, in
// the memory behind.
struct Group {
  static std::unique_ptr<Group> Make(std::string_view key, Stream& stream);
  ~Group() { delete head.load(std::memory_order_relaxed); }
  static void operator delete(void* memory) { ::operator delete(memory); }

  std::atomic<const GroupVersion*> head{nullptr};
  Stream& stream;
  // The writer's: segments up to this one are being merged in background.
  const Segment* merging_to = nullptr;
  bool merge_queued = false;
  const uint32_t key_size;

  std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_size}; }

  // What a reader of `version` sees; null: nothing yet.
  const GroupVersion* At(uint64_t version) const {
    const GroupVersion* seen = head.load(std::memory_order_acquire);
    while (seen != nullptr && seen->version > version) seen = seen->older;
    return seen;
  }

 private:
  Group(Stream& own_stream, uint32_t size) : stream(own_stream), key_size(size) {}
};

// Makes the next version of a group.
class GroupEdit {
 public:
  GroupEdit(const Group& group, const IndexTuning& tuning);

  // Bytes of records that one segment may have.
  static constexpr size_t kMostBytes = size_t{1} << 30;

  // Takes out all records of a routine.
  void Remove(uint64_t routine);
  // `record` is borrowed until Build.
  void Add(RecordRef record);
  // Replaces segments [begin, end) by one that was made of them.
  void Replace(size_t begin, size_t end, SegmentRef merged);

  const SegmentRefs& segments() const { return *segments_; }

  // `all`: however many records must be merged.
  std::unique_ptr<const GroupVersion> Build(uint64_t version, bool all = false);

 private:
  void NoteClause(ClauseView clause);
  void Seal(bool all);

  const Group& group_;
  const GroupVersion* const old_;
  const IndexTuning& tuning_;
  absl::InlinedVector<RecordRef, 66> flat_;  // sorted by match
  std::shared_ptr<const SegmentRefs> segments_;
  uint64_t fields_ = 0;
  std::shared_ptr<const std::vector<uint16_t>> other_chunks_;
};

// The live records of some segments as one segment.
SegmentRef MergeSegments(absl::Span<const SegmentRef> segments, absl::Span<const RecordRef> flat,
                         uint32_t least_cluster);

// The first of the segments that are due to be merged with all behind them; segments.size(): none.
size_t MergeFrom(const SegmentRefs& segments);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_GROUP_H_
