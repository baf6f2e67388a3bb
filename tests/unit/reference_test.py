"""script/docs: the manual and the API reference are made, are whole, and their links lead somewhere."""

import ast
import pathlib
import subprocess
import xml.etree.ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MADE = ROOT / "build/docs"


@pytest.fixture(scope="module", autouse=True)
def made():
    """Its complaints about docs, docstrings, comments of headers and links are its failure."""
    done = subprocess.run([ROOT / "script/docs"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def has_words(element):
    parts = [element.find("briefdescription"), element.find("detaileddescription")]
    return any("".join(part.itertext()).strip() for part in parts if part is not None)


@pytest.fixture(scope="module")
def compounds(made):
    """What Doxygen knows: files, classes, structs."""
    return [
        compound
        for path in sorted((MADE / "xml").glob("*.xml"))
        for compound in xml.etree.ElementTree.parse(path).getroot().findall("compounddef")
    ]


def in_header(compounds, header):
    return [each for each in compounds if each.find("location").get("file", "") == header]


def test_every_exported_function_of_c_is_described(compounds):
    [header] = [each for each in in_header(compounds, "routines/c/routines.h") if each.get("kind") == "file"]
    functions = [each for each in header.iter("memberdef") if each.get("kind") == "function"]
    described = {each.findtext("name") for each in functions if has_words(each)}
    exported = set((ROOT / "capi/symbols.txt").read_text().split())
    assert len(exported) > 80
    assert exported - described == set()
    page = (MADE / "html/cpp/routines_8h.html").read_text()
    assert [name for name in sorted(exported) if name not in page] == []


def test_every_struct_of_c_is_described(compounds):
    structs = [each for each in in_header(compounds, "routines/c/routines.h") if each.get("kind") == "struct"]
    assert len(structs) > 10
    assert [each.findtext("compoundname") for each in structs if not has_words(each)] == []


def test_every_header_and_every_class_of_cc_is_described(compounds):
    headers = {path.relative_to(ROOT / "include").as_posix() for path in (ROOT / "include").rglob("*.h")}
    # Parts of conformance.h: tests, and nothing else.
    headers = {name for name in headers if not name.startswith("routines/testing/conformance_")}
    described = {
        each.find("location").get("file") for each in compounds if each.get("kind") == "file" and has_words(each)
    }
    assert headers - described == set()
    classes = [each for each in compounds if each.get("kind") == "class"]
    assert len(classes) > 25
    assert [each.findtext("compoundname") for each in classes if not has_words(each)] == []


def test_every_public_name_of_python_is_described():
    """Also the methods of the classes, but for those that Python gives names to."""
    page = (MADE / "html/docs/reference/python.html").read_text()
    source = ROOT / "bindings/python/src/routines"
    public = {}
    for module in sorted(source.glob("*.py")):
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                public.setdefault(node.name, []).append((module.stem, node))
    for module in ("__init__", "aio", "github", "testing"):
        package = "routines" if module == "__init__" else f"routines.{module}"
        tree = ast.parse((source / f"{module}.py").read_text())
        [names] = [
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        for name in names:
            if name.startswith("__") or name == "github":
                continue
            here = [node for where, node in public[name] if where == module] or [node for _, node in public[name]]
            assert ast.get_docstring(here[0]), f"{package}.{name}"
            assert f'id="{package}.{name}"' in page, f"{package}.{name}"


def check_links(folder):
    return subprocess.run(
        [ROOT / "docs/reference/check_links.py", folder], capture_output=True, text=True, timeout=60
    )


def test_a_link_that_leads_nowhere_is_told(tmp_path):
    (tmp_path / "good.html").write_text('<h1 id="top"><a href="https://example.com/x#y">x</a></h1>')
    (tmp_path / "picture.png").touch()
    (tmp_path / "index.html").write_text(
        '<a href="good.html#top">a</a> <a href="#here" id="here">b</a> <img src="picture.png">'
    )
    assert check_links(tmp_path).returncode == 0
    wrong = {
        "nowhere.html": "no such file",
        "good.html#bottom": "no such anchor",
        "#gone": "no such anchor",
        "../outside.html": "leads out of the folder",
        "https://": "not the form of a URL",
        "ftp://example.com/": "neither a file nor http",
    }
    (tmp_path / "wrong.html").write_text("".join(f'<a href="{link}">x</a>' for link in wrong))
    done = check_links(tmp_path)
    assert done.returncode == 1
    assert sorted(done.stderr.splitlines()) == sorted(f"wrong.html: {link}: {why}" for link, why in wrong.items())
