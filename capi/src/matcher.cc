// Matching.
#include <atomic>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "capi/src/call.h"
#include "capi/src/events.h"
#include "capi/src/json_forms.h"
#include "routines/matcher.h"

namespace routines::capi {
namespace {

class MatcherObject : public Object {
 public:
  struct Names {
    std::string account, name;
    std::vector<std::string> triggers;
  };

  // Adds or replaces the routine; its number.
  absl::StatusOr<uint64_t> Put(const v1::Routine& routine) {
    Names names{routine.account(), routine.name(), {}};
    for (const v1::Trigger& trigger : routine.triggers()) names.triggers.push_back(trigger.id());
    const absl::StatusOr<RoutineHandle> number = matcher.Put(routine);
    if (!number.ok()) return number.status();
    absl::MutexLock lock(&mu);
    known[*number] = std::move(names);
    return *number;
  }

  Matcher matcher;
  mutable absl::Mutex mu;
  absl::flat_hash_map<uint64_t, Names> known ABSL_GUARDED_BY(mu);
};

class MatchesObject : public Object {
 public:
  std::atomic<bool> busy = false;
  Matcher::Buffer buffer;
  std::vector<routines_match> list;
  v1::Event attributes;
};

// One match at a time may fill the room.
class Use {
 public:
  explicit Use(MatchesObject& object) : object_(object), mine_(!object.busy.exchange(true)) {}
  ~Use() {
    if (mine_) object_.busy = false;
  }
  bool mine() const { return mine_; }

 private:
  MatchesObject& object_;
  const bool mine_;
};

}  // namespace

template <>
struct Named<MatcherObject> {
  static constexpr Noun kNoun = Noun::kMatcher;
  using Handle = routines_matcher;
};
template <>
struct Named<MatchesObject> {
  static constexpr Noun kNoun = Noun::kMatches;
  using Handle = routines_matches;
};

}  // namespace routines::capi

using namespace routines;        // NOLINT: what follows has C names
using namespace routines::capi;  // NOLINT

routines_code routines_matcher_create(routines_matcher** matcher, routines_error** error) {
  if (matcher != nullptr) *matcher = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(matcher, "matcher"));
    *matcher = Make<MatcherObject>();
    return ROUTINES_OK;
  });
}

routines_code routines_matcher_destroy(routines_matcher* matcher) {
  return Call(nullptr, [&]() -> Answer { return End<MatcherObject>(matcher); });
}

routines_code routines_matcher_put(routines_matcher* matcher, routines_string text,
                                   uint64_t* routine, routines_error** error) {
  if (routine != nullptr) *routine = 0;
  return Call(error, [&]() -> Answer {
    const Ref<MatcherObject> object(matcher);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    v1::Routine loaded;
    ROUTINES_C_RETURN_IF_ERROR(LoadText(text, {}, &loaded));
    const absl::StatusOr<uint64_t> number = object->Put(loaded);
    if (!number.ok()) return number.status();
    if (routine != nullptr) *routine = *number;
    return ROUTINES_OK;
  });
}

routines_code routines_matcher_put_all(routines_matcher* matcher, const routines_string* texts,
                                       size_t count, uint64_t* numbers, routines_error** error) {
  return Call(error, [&]() -> Answer {
    const Ref<MatcherObject> object(matcher);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    if (count > ROUTINES_MAX_BYTES) return absl::InvalidArgumentError("count: is too great");
    if (count > 0) ROUTINES_C_RETURN_IF_ERROR(CheckOut(texts, "texts"));
    std::vector<v1::Routine> loaded(count);
    for (size_t i = 0; i < count; ++i) {
      Answer answer = LoadText(texts[i], {}, &loaded[i]);
      if (!answer.ok()) {
        answer.message = absl::StrCat(i, ": ", answer.message);
        return answer;
      }
    }
    for (size_t i = 0; i < count; ++i) {
      const absl::StatusOr<uint64_t> number = object->Put(loaded[i]);
      if (!number.ok()) return number.status();
      if (numbers != nullptr) numbers[i] = *number;
    }
    return ROUTINES_OK;
  });
}

routines_code routines_matcher_remove(routines_matcher* matcher, routines_string account,
                                      routines_string name, routines_error** error) {
  return Call(error, [&]() -> Answer {
    const Ref<MatcherObject> object(matcher);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    ROUTINES_C_RETURN_IF_ERROR(CheckTexts({{account, "account"}, {name, "name"}}));
    const std::string_view owner = account.size == 0 ? "default" : ViewOf(account);
    if (!object->matcher.Remove(owner, ViewOf(name))) {
      return absl::NotFoundError("there is no such routine in the matcher");
    }
    absl::MutexLock lock(&object->mu);
    absl::erase_if(object->known, [&](const auto& entry) {
      return entry.second.account == owner && entry.second.name == ViewOf(name);
    });
    return ROUTINES_OK;
  });
}

routines_code routines_matcher_size(const routines_matcher* matcher, size_t* count) {
  if (count != nullptr) *count = 0;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(count, "count"));
    const Ref<MatcherObject> object(matcher);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *count = object->matcher.size();
    return ROUTINES_OK;
  });
}

routines_code routines_matches_create(routines_matches** matches, routines_error** error) {
  if (matches != nullptr) *matches = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(matches, "matches"));
    *matches = Make<MatchesObject>();
    return ROUTINES_OK;
  });
}

routines_code routines_matches_destroy(routines_matches* matches) {
  return Call(nullptr, [&]() -> Answer { return End<MatchesObject>(matches); });
}

routines_code routines_matcher_match(const routines_matcher* matcher, const routines_event* event,
                                     routines_matches* matches, routines_error** error) {
  return Call(error, [&]() -> Answer {
    const Ref<MatcherObject> object(matcher);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    const Ref<MatchesObject> room(matches);
    ROUTINES_C_RETURN_IF_ERROR(room.code());
    routines_event read;
    ROUTINES_C_RETURN_IF_ERROR(ReadEvent(event, &read));
    const Use use(*room);
    if (!use.mine()) {
      return absl::FailedPreconditionError("matches: another thread is using it; one each");
    }
    room->list.clear();
    EventView view{
        .source = ViewOf(read.source), .type = ViewOf(read.type), .payload = ViewOf(read.payload)};
    if (read.attribute_count > 0) {
      room->attributes.clear_attributes();
      CopyAttributes(read, room->attributes.mutable_attributes());
      view.attributes = &room->attributes.attributes();
    }
    ROUTINES_C_RETURN_IF_ERROR(object->matcher.Match(view, room->buffer));
    for (const TriggerMatch& match : room->buffer.matches()) {
      room->list.push_back({match.routine, static_cast<uint32_t>(match.trigger), 0});
    }
    return ROUTINES_OK;
  });
}

routines_code routines_matches_get(const routines_matches* matches, const routines_match** list,
                                   size_t* count) {
  if (list != nullptr) *list = nullptr;
  if (count != nullptr) *count = 0;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(list, "list"));
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(count, "count"));
    const Ref<MatchesObject> room(matches);
    ROUTINES_C_RETURN_IF_ERROR(room.code());
    const Use use(*room);
    if (!use.mine()) {
      return absl::FailedPreconditionError("matches: another thread is using it; one each");
    }
    *list = room->list.data();
    *count = room->list.size();
    return ROUTINES_OK;
  });
}

routines_code routines_matcher_name(const routines_matcher* matcher, uint64_t routine,
                                    uint32_t trigger, routines_text** json,
                                    routines_error** error) {
  if (json != nullptr) *json = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(json, "json"));
    const Ref<MatcherObject> object(matcher);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    absl::MutexLock lock(&object->mu);
    const auto found = object->known.find(routine);
    if (found == object->known.end() || trigger >= found->second.triggers.size()) {
      return absl::NotFoundError("there is no such routine, or trigger of it, in the matcher");
    }
    const auto& names = found->second;
    GiveText(absl::StrCat("{\"account\":", JsonString(names.account),
                          ",\"routine\":", JsonString(names.name), ",\"trigger\":",
                          JsonString(names.triggers[trigger]), ",\"index\":", trigger, "}"),
             json);
    return ROUTINES_OK;
  });
}
