// aws/event-ruler on the workload of ../README.md.
//
//   EventRulerPeer FOLDER SECONDS
//
// As fast as it was found to be:
// - One machine for each action and each of (repository, organisation, any), so that an event meets
//   three small machines instead of one large one.
// - The payload is read once, by Jackson's streaming parser, which takes the ten fields and skips
//   the rest; the three machines get them as sorted name and value pairs, flattened once.
// - additionalNameStateReuse is on: it keeps machines with many rules on the same keys small.
// - What a machine cannot say (a regular expression, none of the labels, a second condition on the
//   same field) is checked by plain code on the rules that it found.
// - `contains` is a wildcard pattern, which makes machines slow: `event-ruler, plain contains`
//   leaves these to plain code, too.
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import software.amazon.event.ruler.GenericMachine;
import software.amazon.event.ruler.Patterns;

public final class EventRulerPeer {
  private static final int WARM_EVENTS = 1000;
  private static final Set<String> SCALARS =
      Set.of("base_branch", "author", "sender", "author_association", "is_draft", "from_fork");
  private static final Set<String> BOOLEANS = Set.of("is_draft", "from_fork");

  // ---- events ----

  private static final class Event {
    String action = "", repository = "", title = "", body = "", base = "", head = "";
    String baseRepository = "", headRepository = "", author = "", sender = "", association = "";
    boolean draft;
    final List<String> labels = new ArrayList<>();

    String text(String field) {
      switch (field) {
        case "title": return title;
        case "body": return body;
        case "base_branch": return base;
        case "head_branch": return head;
        case "author": return author;
        case "sender": return sender;
        case "author_association": return association;
        case "is_draft": return String.valueOf(draft);
        case "from_fork": return String.valueOf(!baseRepository.equals(headRepository));
        default: throw new IllegalArgumentException(field);
      }
    }
  }

  private static final JsonFactory JSON = new JsonFactory();

  private interface Fields {
    void read(String name, JsonParser parser) throws IOException;
  }

  // Calls `fields` for each member, whose value it reads or leaves to be skipped.
  private static void readObject(JsonParser parser, Fields fields) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) return;  // null
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      fields.read(name, parser);
    }
  }

  private static String text(JsonParser parser) throws IOException {
    return parser.currentToken() == JsonToken.VALUE_STRING ? parser.getText() : "";
  }

  private static Event parse(byte[] payload) throws IOException {
    Event event = new Event();
    try (JsonParser parser = JSON.createParser(payload)) {
      parser.nextToken();
      readObject(parser, (name, p) -> {
        switch (name) {
          case "action": event.action = text(p); break;
          case "pull_request": readObject(p, (n, q) -> readPullRequest(event, n, q)); break;
          case "repository": readObject(p, (n, q) -> {
            if (n.equals("full_name")) event.repository = text(q); else q.skipChildren();
          }); break;
          case "sender": readObject(p, (n, q) -> {
            if (n.equals("login")) event.sender = text(q); else q.skipChildren();
          }); break;
          default: p.skipChildren();
        }
      });
    }
    return event;
  }

  private static void readPullRequest(Event event, String name, JsonParser parser)
      throws IOException {
    switch (name) {
      case "title": event.title = text(parser); break;
      case "body": event.body = text(parser); break;
      case "draft": event.draft = parser.getBooleanValue(); break;
      case "author_association": event.association = text(parser); break;
      case "user": readObject(parser, (n, p) -> {
        if (n.equals("login")) event.author = text(p); else p.skipChildren();
      }); break;
      case "labels":
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          readObject(parser, (n, p) -> {
            if (n.equals("name")) event.labels.add(text(p)); else p.skipChildren();
          });
        }
        break;
      case "base": readObject(parser, (n, p) -> {
        if (n.equals("ref")) event.base = text(p);
        else if (n.equals("repo")) readObject(p, (m, q) -> {
          if (m.equals("full_name")) event.baseRepository = text(q); else q.skipChildren();
        });
        else p.skipChildren();
      }); break;
      case "head": readObject(parser, (n, p) -> {
        if (n.equals("ref")) event.head = text(p);
        else if (n.equals("repo")) readObject(p, (m, q) -> {
          if (m.equals("full_name")) event.headRepository = text(q); else q.skipChildren();
        });
        else p.skipChildren();
      }); break;
      default: parser.skipChildren();
    }
  }

  // Name and value pairs sorted by name, values as JSON writes them.
  private static String[] flatten(Event event) {
    String[] pairs = new String[2 * (9 + event.labels.size())];
    int at = 0;
    at = put(pairs, at, "author", quote(event.author));
    at = put(pairs, at, "author_association", quote(event.association));
    at = put(pairs, at, "base_branch", quote(event.base));
    at = put(pairs, at, "body", quote(event.body));
    at = put(pairs, at, "from_fork", event.text("from_fork"));
    at = put(pairs, at, "head_branch", quote(event.head));
    at = put(pairs, at, "is_draft", event.text("is_draft"));
    for (String label : event.labels) at = put(pairs, at, "labels", quote(label));
    at = put(pairs, at, "sender", quote(event.sender));
    put(pairs, at, "title", quote(event.title));
    return pairs;
  }

  private static int put(String[] pairs, int at, String name, String value) {
    pairs[at] = name;
    pairs[at + 1] = value;
    return at + 2;
  }

  private static String quote(String text) {
    return '"' + text + '"';
  }

  // ---- rules ----

  private interface Check {
    boolean holds(Event event);
  }

  private static final class Rule {
    int id;
    String repository;
    final List<String> actions = new ArrayList<>();
    boolean never;
    final Map<String, List<Patterns>> patterns = new HashMap<>();
    final List<Check> rest = new ArrayList<>();
  }

  private static Rule compile(JsonNode line, boolean wildcards) {
    Rule rule = new Rule();
    rule.id = line.get("id").asInt();
    rule.repository = line.get("repository").asText();
    line.get("actions").forEach(action -> rule.actions.add(action.asText()));
    Map<String, Set<String>> oneOf = new TreeMap<>(), notOneOf = new TreeMap<>();
    for (JsonNode condition : line.get("conditions")) {
      String field = condition.get("field").asText();
      Set<String> values = new LinkedHashSet<>();
      condition.get("values").forEach(value -> values.add(value.asText()));
      String operator = condition.get("operator").asText();
      if (operator.equals("one_of") && SCALARS.contains(field)) {
        oneOf.merge(field, values, (a, b) -> { a.retainAll(b); return a; });
      } else if (operator.equals("not_one_of") && SCALARS.contains(field)) {
        notOneOf.merge(field, values, (a, b) -> { a.addAll(b); return a; });
      } else {
        addOther(rule, field, operator, values, wildcards);
      }
    }
    for (Map.Entry<String, Set<String>> entry : oneOf.entrySet()) {
      Set<String> values = entry.getValue();
      Set<String> without = notOneOf.remove(entry.getKey());
      if (without != null) values.removeAll(without);
      if (values.isEmpty()) rule.never = true;
      List<Patterns> patterns = new ArrayList<>();
      boolean plain = BOOLEANS.contains(entry.getKey());
      for (String value : values) patterns.add(Patterns.exactMatch(plain ? value : quote(value)));
      rule.patterns.put(entry.getKey(), patterns);
    }
    for (Map.Entry<String, Set<String>> entry : notOneOf.entrySet()) {
      Set<String> quoted = new HashSet<>();
      for (String value : entry.getValue()) quoted.add(quote(value));
      rule.patterns.put(entry.getKey(), List.of(Patterns.anythingButMatch(quoted)));
    }
    return rule;
  }

  private static void addOther(
      Rule rule, String field, String operator, Set<String> values, boolean wildcards) {
    String value = values.iterator().next();
    List<Patterns> patterns = new ArrayList<>();
    if (operator.equals("one_of")) {
      for (String one : values) patterns.add(Patterns.exactMatch(quote(one)));
    } else if (operator.equals("starts_with")) {
      patterns.add(Patterns.prefixMatch('"' + value));
    } else if (operator.equals("contains") && wildcards) {
      patterns.add(Patterns.wildcardMatch(quote("*" + value + "*")));
    }
    if (!patterns.isEmpty() && rule.patterns.putIfAbsent(field, patterns) == null) return;
    Pattern regex = operator.equals("regex") ? Pattern.compile(value) : null;
    rule.rest.add(event -> {
      if (field.equals("labels")) {
        boolean any = event.labels.stream().anyMatch(values::contains);
        return any == operator.equals("one_of");
      }
      String text = event.text(field);
      switch (operator) {
        case "starts_with": return text.startsWith(value);
        case "contains": return text.contains(value);
        case "regex": return regex.matcher(text).matches();
        default: throw new IllegalArgumentException(operator);
      }
    });
  }

  // ---- shards ----

  private static final class Shard {
    final GenericMachine<Rule> machine =
        GenericMachine.<Rule>builder().withAdditionalNameStateReuse(true).build();
    final List<Rule> always = new ArrayList<>();  // nothing for a machine to look at
  }

  private static Map<String, Shard> build(List<String> lines, boolean wildcards)
      throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    Map<String, Shard> shards = new HashMap<>();
    for (String line : lines) {
      Rule rule = compile(mapper.readTree(line), wildcards);
      if (rule.never) continue;
      for (String action : rule.actions) {
        Shard shard = shards.computeIfAbsent(action + ' ' + rule.repository, key -> new Shard());
        if (rule.patterns.isEmpty()) shard.always.add(rule);
        else shard.machine.addPatternRule(rule, rule.patterns);
      }
    }
    return shards;
  }

  private static int[] match(Map<String, Shard> shards, byte[] payload) throws IOException {
    Event event = parse(payload);
    String[] pairs = flatten(event);
    String organisation = event.repository.substring(0, event.repository.indexOf('/'));
    int[] found = new int[16];
    int count = 0;
    for (String scope : new String[] {event.repository, organisation + "/*", "*/*"}) {
      Shard shard = shards.get(event.action + ' ' + scope);
      if (shard == null) continue;
      for (List<Rule> rules : List.of(shard.machine.rulesForEvent(pairs), shard.always)) {
        for (Rule rule : rules) {
          if (!holds(rule, event)) continue;
          if (count == found.length) found = Arrays.copyOf(found, 2 * count);
          found[count++] = rule.id;
        }
      }
    }
    return Arrays.copyOf(found, count);
  }

  private static boolean holds(Rule rule, Event event) {
    for (Check check : rule.rest) {
      if (!check.holds(event)) return false;
    }
    return true;
  }

  // ---- measuring ----

  // Of this thread, and all that collectors of garbage did. Not of the compilers, which a server
  // that has run for hours has behind it.
  private static double cpuSeconds() {
    double seconds = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1e9;
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      seconds += collector.getCollectionTime() / 1e3;
    }
    return seconds;
  }

  private static long usedHeap() {
    for (int i = 0; i < 3; i++) System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static List<byte[]> readEvents(Path path) throws IOException {
    List<byte[]> events = new ArrayList<>();
    try (var lines = Files.lines(path)) {
      lines.forEach(line -> events.add(line.getBytes(StandardCharsets.UTF_8)));
    }
    return events;
  }

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    double seconds = Double.parseDouble(arguments[1]);
    List<String> lines = Files.readAllLines(folder.resolve("routines.jsonl"));
    List<byte[]> events = readEvents(folder.resolve("events.jsonl"));
    measure("event-ruler", true, lines, events, folder, seconds);
    if (lines.stream().anyMatch(line -> line.contains("\"contains\""))) {
      measure("event-ruler, plain contains", false, lines, events, folder, seconds);
    }
  }

  private static void measure(String engine, boolean wildcards, List<String> lines,
      List<byte[]> events, Path folder, double seconds) throws IOException {
    long heap = usedHeap();
    double begin = cpuSeconds();
    Map<String, Shard> shards = build(lines, wildcards);
    double built = cpuSeconds() - begin;
    double bytes = (double) (usedHeap() - heap) / lines.size();
    warmUp(shards, events, seconds);
    List<int[]> answers = new ArrayList<>();
    begin = cpuSeconds();
    long wall = System.nanoTime();
    for (int i = WARM_EVENTS; i < events.size(); i++) {
      if ((System.nanoTime() - wall) / 1e9 > seconds) break;
      answers.add(match(shards, events.get(i)));
    }
    double cpuTaken = cpuSeconds() - begin, wallTaken = (System.nanoTime() - wall) / 1e9;
    long matches = write(folder.resolve(engine + ".answers"), answers);
    System.out.printf("{\"engine\": \"%s\", \"build\": %.4f, \"bytes\": %.0f, "
        + "\"events\": %d, \"cpu\": %.6f, \"wall\": %.6f, \"matches\": %d, \"answers\": true}%n",
        engine, built, bytes, answers.size(), cpuTaken, wallTaken, matches);
  }

  // Until the compilers of the virtual machine have done their work.
  private static void warmUp(Map<String, Shard> shards, List<byte[]> events, double seconds)
      throws IOException {
    double until = cpuSeconds() + 3 * seconds;
    long latest = System.nanoTime() + (long) (12e9 * seconds);
    for (int i = 0; cpuSeconds() < until && System.nanoTime() < latest; i++) {
      match(shards, events.get(i % WARM_EVENTS));
    }
    System.gc();
  }

  // Returns the number of matches.
  private static long write(Path path, List<int[]> answers) throws IOException {
    long matches = 0;
    try (BufferedWriter out = Files.newBufferedWriter(path)) {
      for (int[] answer : answers) {
        Arrays.sort(answer);
        matches += answer.length;
        StringBuilder line = new StringBuilder();
        for (int id : answer) line.append(line.length() == 0 ? "" : " ").append(id);
        out.write(line.append('\n').toString());
      }
    }
    return matches;
  }
}
