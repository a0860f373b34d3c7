"""Dockerfiles: what hadolint says of them, and what no linter knows: that sources exist and reach the builder, whom images run as, what they start."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from fetch_model import SetupError

from k8s.dockerignore import Ignore
from k8s.findings import Findings

SECRET = re.compile(r"secret|passw|token|api_?key|credential|private", re.IGNORECASE)
LABELS = {"org.opencontainers.image.title", "org.opencontainers.image.description", "org.opencontainers.image.licenses", "org.opencontainers.image.version"}


@dataclass
class Instruction:
    """One instruction: its word, flags and the rest, with variables of ARG put in."""

    word: str
    flags: dict[str, str]
    rest: str
    line: int


@dataclass
class Stage:
    """From a FROM to the next."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.word == word]


def dockerfiles(root: Path) -> list[Path]:
    return sorted((root / "k8s/images").glob("*.Dockerfile"))


def check(root: Path, hadolint: str, findings: Findings) -> int:
    """Checks all of them, and answers how many there are."""
    files = dockerfiles(root)
    findings.require(files, "k8s/images", "holds no *.Dockerfile")
    lint(root, files, hadolint, findings)
    ignore = Ignore(root / ".dockerignore")
    for file in files:
        stages = parse(file.read_text())
        place = file.relative_to(root).as_posix()
        check_bases(stages, place, findings)
        check_copies(root, ignore, stages, place, findings)
        check_secrets(stages, place, findings)
        check_finals(root, stages, place, file.name.removesuffix(".Dockerfile"), findings)
        check_builds(root, stages, place, findings)
    return len(files)


def lint(root: Path, files: list[Path], hadolint: str, findings: Findings) -> None:
    command = [hadolint, "--no-color", "--format", "json", *map(str, files)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
        found = json.loads(done.stdout)
    except (OSError, ValueError) as error:
        raise SetupError(f"run {hadolint}: {error}") from error
    for it in found:
        place = f"{Path(it['file']).relative_to(root)}:{it['line']}"
        findings.add(place, f"{it['code']} {it['level']}: {it['message']}")


def parse(text: str) -> list[Stage]:
    """Stages with their instructions. Variables are those of ARG with a default."""
    stages: list[Stage] = []
    variables: dict[str, str] = {}
    for line, text_of in logical_lines(text):
        word, _, rest = text_of.partition(" ")
        flags = dict(re.findall(r"--([a-z-]+)=(\S+)", leading_flags(rest)))
        rest = rest[len(leading_flags(rest)):].strip()
        rest = re.sub(r"\$\{?([A-Z_]+)\}?", lambda found: variables.get(found[1], found[0]), rest) if word != "RUN" else rest
        instruction = Instruction(word.upper(), flags, rest, line)
        if instruction.word == "ARG" and "=" in rest:
            name, _, value = rest.partition("=")
            variables.setdefault(name, value.strip('"'))
        if instruction.word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(name.strip() or str(len(stages)), base.strip(), [instruction]))
        elif stages:
            stages[-1].instructions.append(instruction)
    return stages


def logical_lines(text: str) -> list[tuple[int, str]]:
    """Instructions with the line that they begin at; comments are gone and continued lines joined."""
    found: list[tuple[int, str]] = []
    joined, begin = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        begin = begin or number
        joined += line.removesuffix("\\").strip() + " "
        if not line.endswith("\\"):
            found.append((begin, joined.strip()))
            joined, begin = "", 0
    return found


def leading_flags(rest: str) -> str:
    found = re.match(r"(\s*--[a-z-]+=\S+)*", rest)
    return found[0] if found else ""


def check_bases(stages: list[Stage], place: str, findings: Findings) -> None:
    names = {stage.name for stage in stages}
    images = [(stage.base, stage.instructions[0].line) for stage in stages]
    images += [(it.flags["from"], it.line) for stage in stages for it in stage.all("COPY") if "from" in it.flags]
    for image, line in images:
        if image in names:
            continue
        tag = image.rpartition("/")[2].partition(":")[2]
        moves = tag in ("", "latest") or image.startswith("gcr.io/distroless/") and not re.search(r"-debian\d+:nonroot$", image)
        findings.require(not moves, f"{place}:{line}", f"image {image!r} has no tag, or one that moves")


def check_copies(root: Path, ignore: Ignore, stages: list[Stage], place: str, findings: Findings) -> None:
    for stage in stages:
        for add in stage.all("ADD"):
            findings.add(f"{place}:{add.line}", "ADD is not used: COPY for files, a pinned package for what is fetched")
        for copy in stage.all("COPY"):
            if "from" in copy.flags:
                continue
            for source in copy.rest.split()[:-1]:
                found = list(root.glob(source.rstrip("/")))
                findings.require(found, f"{place}:{copy.line}", f"copies {source}, which is not there")
                for path in found:
                    excluded = ignore.excludes(path.relative_to(root).as_posix())
                    findings.require(not excluded, f"{place}:{copy.line}", f"copies {source}, which .dockerignore keeps from the builder")


def check_secrets(stages: list[Stage], place: str, findings: Findings) -> None:
    for stage in stages:
        for it in stage.all("ENV") + stage.all("ARG"):
            for name in re.findall(r"(?:^|\s)([A-Za-z_][A-Za-z0-9_]*)(?:=|$)", it.rest):
                findings.require(not SECRET.search(name), f"{place}:{it.line}", f"{name} would be in the image for everybody who has it")


def inherited(stages: list[Stage], stage: Stage) -> list[Instruction]:
    """A stage's instructions, those of the stages that it is made from first."""
    base = next((other for other in stages if other.name == stage.base), None)
    return (inherited(stages, base) if base else []) + stage.instructions


def check_finals(root: Path, stages: list[Stage], place: str, image: str, findings: Findings) -> None:
    """The stages that nothing is made from or copied from: they are what runs."""
    used = {stage.base for stage in stages} | {it.flags.get("from") for stage in stages for it in stage.all("COPY")}
    finals = [stage for stage in stages if stage.name not in used]
    findings.require(stages and stages[-1] in finals, place, "its last stage is not what runs")
    for stage in finals:
        where = f"{place}, stage {stage.name}"
        instructions = inherited(stages, stage)
        last = {it.word: it for it in instructions}
        findings.require(instructions[0].rest.startswith("gcr.io/distroless/"), where, "is not on a distroless image")
        findings.require("RUN" not in last, where, "runs something: there is no shell")
        user = last["USER"].rest if "USER" in last else ""
        findings.require(re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), where, f"USER {user!r} is no user and group by number, other than root")
        labels = " ".join(it.rest for it in instructions if it.word == "LABEL")
        for label in LABELS:
            findings.require(label + "=" in labels, where, f"has no label {label}")
        check_entry(last, image, where, instructions, findings)


def check_entry(last: dict[str, Instruction], image: str, where: str, instructions: list[Instruction], findings: Findings) -> None:
    for word in ("ENTRYPOINT", "CMD"):
        if word in last:
            findings.require(last[word].rest.startswith("["), where, f"{word} is for a shell, which is not there and would keep signals from the program")
    try:
        program = json.loads(last["ENTRYPOINT"].rest)[0]
    except (KeyError, ValueError, IndexError):
        findings.add(where, "has no ENTRYPOINT in exec form")
        return
    findings.require(program.startswith("/") and program.rpartition("/")[2] == image, where, f"starts {program}, not {image}")
    copied = [it.rest.split()[-1] for it in instructions if it.word == "COPY"]
    findings.require(program in copied, where, f"starts {program}, which is not copied there")


def check_builds(root: Path, stages: list[Stage], place: str, findings: Findings) -> None:
    """Programs are built as the lock file says, of packages and features that there are, and copied from where they were put."""
    outputs = {f"{stage.name}:{path}" for stage in stages for run in stage.all("RUN") for path in re.findall(r"(?:^|\s)(/out/\S+)", run.rest)}
    for stage in stages:
        for run in stage.all("RUN"):
            if "cargo build" not in run.rest:
                continue
            where = f"{place}:{run.line}"
            is_release = "--release" in run.rest or "--profile dist" in run.rest
            findings.require(is_release and "--locked" in run.rest, where, "builds without --release (or --profile dist) or --locked")
            package = re.search(r"(?:-p|--package) (\S+)", run.rest)
            manifest = manifest_of(root, package[1]) if package else None
            findings.require(manifest, where, "builds a package that is not in the workspace")
            for feature in re.findall(r"--features (\S+)", run.rest):
                findings.require(manifest and re.search(rf"^{feature} = ", manifest, re.MULTILINE), where, f"asks for a feature {feature} that is not there")
        for copy in stage.all("COPY"):
            source = f"{copy.flags.get('from')}:{copy.rest.split()[0]}"
            if ":/out/" in source:
                findings.require(source in outputs, f"{place}:{copy.line}", f"copies {source}, which is not made")


def manifest_of(root: Path, package: str) -> str | None:
    """The manifest of a package of the workspace."""
    for path in root.glob("*/Cargo.toml"):
        text = path.read_text()
        if f'name = "{package}"' in text.partition("[dependencies]")[0]:
            return text
    return None
