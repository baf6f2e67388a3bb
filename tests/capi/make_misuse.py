"""Writes calls that misuse every function of the C ABI, read from the header itself.

make_misuse.py HEADER OUTPUT

For each function and each argument: handles that are NULL, freed, foreign or of another noun; texts that are
not UTF-8, have a length and no data, or a huge length; structs of sizes that cannot be, and with such texts in
them; NULL for results and callbacks; numbers at the ends of their ranges. And one call of each with
arguments drawn at random, for the threads. misuse_test.cc runs them.
"""

import re
import sys

NUMBERS = {"int", "int32_t", "int64_t", "uint32_t", "uint64_t", "size_t"}
# Structs that a caller makes; the rest of the header's nouns are handles.
STRUCTS = {}
# A result that may be left out; elsewhere NULL is an error.
OPTIONAL = re.compile(r"where not NULL", re.DOTALL)


def functions_of(text):
    """(name, comment, [(type, name)]) of each function that returns a code."""
    pattern = r"((?:/\*(?:(?!\*/).)*\*/\s*)?)ROUTINES_API routines_code (\w+)\(([^)]*)\);"
    for comment, name, arguments in re.findall(pattern, text, re.DOTALL):
        parsed = []
        for argument in " ".join(arguments.split()).split(", "):
            kind, argument_name = re.match(r"(.*?)(\w+)$", argument).groups()
            parsed.append((kind.strip(), argument_name))
        yield name, comment, parsed


def structs_of(text):
    """The members that hold text, of each struct with struct_size; and all such structs."""
    found = {}
    for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", text, re.DOTALL):
        if "size_t struct_size;" not in body:
            continue
        members = []
        for kind, names in re.findall(r"(routines_string|routines_bytes) ([\w, ]+);", body):
            members += [(kind, member.strip()) for member in names.split(",")]
        found[name] = members
    return found


def shape(kind):
    """What an argument of this type is."""
    plain = kind.replace("const ", "").strip()
    if plain in NUMBERS:
        return "number"
    if plain in ("routines_string", "routines_bytes"):
        return plain[len("routines_"):]
    if plain.endswith("_callback"):
        return "callback"
    if plain == "void*":
        return "self"
    base = plain.rstrip("*")
    if plain.endswith("*") and base in STRUCTS:
        return "struct"
    if kind == "const routines_string*":
        return "texts"
    if plain.count("*") == 1 and base.startswith("routines_") and base != "routines_string":
        return "handle"
    return "result"


def base_of(kind):
    return kind.replace("const ", "").strip().rstrip("*")


def good(kind, name):
    """An expression for an argument that is well formed."""
    what, base = shape(kind), base_of(kind)
    if what == "number":
        return "1"
    if what == "string":
        return 'routines_str("x")'
    if what == "bytes":
        return 'routines_bytes{"x", 1}'
    if what == "callback":
        return f"&On_{base}"
    if what == "self":
        return "nullptr"
    if what == "struct":
        return f"&made.the_{base}"
    if what == "texts":
        return "made.texts"
    if what == "handle":
        return f"world.Good<{base}>()"
    return f"&out.{result_member(kind)}"


def result_member(kind):
    return re.sub(r"\W+", "_", kind.replace("*", "_p")).strip("_")


def random_argument(kind, name):
    what, base = shape(kind), base_of(kind)
    if what == "number":
        return "random.SmallTime()" if name == "timeout_ns" else "random.Count()" if name in ("count", "capacity") else f"random.Number<{base}>()"
    if what == "handle":
        return f"world.Any<{base}>(random)"
    if what in ("string", "bytes"):
        return f"random.{what.capitalize()}()"
    if what == "struct":
        return f"random.Struct(&made.the_{base})"
    return good(kind, name)


def main():
    header, output = sys.argv[1:]
    text = open(header, encoding="utf-8").read()
    STRUCTS.update(structs_of(text))
    functions = list(functions_of(text))
    results = sorted({kind for _, _, args in functions for kind, _ in args if shape(kind) == "result"})
    out = ["// Made by make_misuse.py.", "// What functions give back.", "struct Out {"]
    for kind in results:
        out.append(f"  {kind[:-1].rstrip()} {result_member(kind)} = {{}};")
    out += ["};", "struct Made {", '  routines_string texts[2] = {routines_str("x"), routines_str("y")};']
    for struct in STRUCTS:
        init = struct.upper() + "_INIT"
        out.append(f"  {struct} the_{struct} = {init};")
    out.append("  Made();  // with functions where some must be")
    out += ["};", "// A call, and the code that it must give; -1: any but a crash.", "using Misuse = void (*)(World&);"]
    table, stress = [], []
    for name, comment, args in functions:
        def call(replaced=None, value=None):
            return f"{name}({', '.join(value if i == replaced else good(*arg) for i, arg in enumerate(args))})"

        cases = []
        for i, (kind, argument) in enumerate(args):
            what, base = shape(kind), base_of(kind)
            if what == "handle":
                cases.append(f"    for (auto* bad : world.Bad<{base}>()) "
                             f'Check(ROUTINES_INVALID_HANDLE, world, [&](Out& out, Made& made) {{ return {call(i, "bad")}; }}, "{name} {argument}");')
            elif what in ("string", "bytes"):
                kinds = "BadStrings()" if what == "string" else "BadBytes()"
                cases.append(f"    for (const auto& bad : {kinds}) "
                             f'Check(ROUTINES_INVALID_ARGUMENT, world, [&](Out& out, Made& made) {{ return {call(i, "bad")}; }}, "{name} {argument}");')
            elif what == "struct":
                cases.append(f'    Check(ROUTINES_INVALID_ARGUMENT, world, [&](Out& out, Made& made) {{ return {call(i, "nullptr")}; }}, "{name} {argument} NULL");')
                cases.append(f"    for (size_t bad : BadSizes(sizeof({base}))) "
                             f'Check(ROUTINES_INVALID_ARGUMENT, world, [&](Out& out, Made& made) {{ made.the_{base}.struct_size = bad; return {call()}; }}, "{name} {argument} size");')
                for member_kind, member in STRUCTS[base]:
                    kinds = "BadStrings()" if member_kind == "routines_string" else "BadBytes()"
                    cases.append(f"    for (const auto& bad : {kinds}) "
                                 f'Check(ROUTINES_INVALID_ARGUMENT, world, [&](Out& out, Made& made) {{ made.the_{base}.{member} = bad; return {call()}; }}, "{name} {argument}.{member}");')
            elif what in ("texts", "callback"):
                cases.append(f'    Check(ROUTINES_INVALID_ARGUMENT, world, [&](Out& out, Made& made) {{ return {call(i, "nullptr")}; }}, "{name} {argument}");')
            elif what == "result" and kind != "routines_error**":
                code = "-1" if OPTIONAL.search(comment) else "ROUTINES_INVALID_ARGUMENT"
                cases.append(f'    Check({code}, world, [&](Out& out, Made& made) {{ return {call(i, "nullptr")}; }}, "{name} {argument}");')
            elif what == "number":
                if argument == "count":
                    cases.append(f'    Check(ROUTINES_INVALID_ARGUMENT, world, [&](Out& out, Made& made) {{ return {call(i, "SIZE_MAX")}; }}, "{name} {argument}");')
                    continue
                ends = f"std::numeric_limits<{base}>"
                if argument == "timeout_ns":
                    continue
                if argument == "capacity":
                    cases.append(f'    Check(ROUTINES_INVALID_ARGUMENT, world, [&](Out& out, Made& made) {{ return {call(i, "SIZE_MAX")}; }}, "{name} {argument}");')
                    continue
                cases.append(f"    for (auto bad : {{{ends}::min(), {ends}::max(), {base}(0), static_cast<{base}>(-1)}}) "
                             f'Check(-1, world, [&](Out& out, Made& made) {{ return {call(i, "bad")}; }}, "{name} {argument}");')
        out.append(f"void Misuse_{name}(World& world) {{")
        out += cases + ["}"]
        table.append(f'    {{"{name}", &Misuse_{name}}},')
        drawn = ", ".join(random_argument(*arg) for arg in args)
        stress.append(f"    [](World& world, Random& random) {{ Out out; Made made; "
                      f"[[maybe_unused]] auto& w = world; (void){name}({drawn}); Free(world, out); }},")
    out.append("void Free(World& world, Out& out) {")
    for kind in results:
        member, base = result_member(kind), base_of(kind)
        if kind.count("*") == 2 and base.startswith("routines_") and base != "routines_match":
            out.append(f"  if (out.{member} != nullptr) world.Take(out.{member});")
    out.append("}")
    out += ["const struct { const char* name; Misuse run; } kMisuses[] = {", *table, "};"]
    out += ["using Stress = void (*)(World&, Random&);", "const Stress kStress[] = {", *stress, "};"]
    # Free is used before it is defined.
    at = next(i for i, line in enumerate(out) if line.startswith("// A call"))
    out.insert(at, "void Free(World& world, Out& out);\ntemplate <typename F> void Check(int code, World& world, F call, const char* what);")
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
