# SPDX-License-Identifier: MIT
"""scripts/baselines with training scripts that train nothing: what trees and options they are given, that rows are kept
and not made twice, and the table."""
import csv
import json
import subprocess
import sys

from PIL import Image

from objects import ICFS, MKIMAGES, ROOT, Folder, main, run

SCRIPT = ROOT / "scripts" / "baselines"
# Notes what it is given, and how the first image looks.
FAKE = """\
import json, pathlib, sys
from PIL import Image
tree, log = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).with_suffix('.log')
files = sorted(str(path.relative_to(tree)) for path in tree.rglob('*') if path.is_file())
pictures = [name for name in files if name.startswith('train') and not name.endswith('.txt')]
first = tree / pictures[0]
size = [] if first.suffix == '.ic' else Image.open(first).size
design = first.read_bytes()[30:38].hex() if first.suffix == '.ic' else ''
number = len(log.read_text().splitlines()) if log.exists() else 0
with log.open('a') as file:
    file.write(json.dumps([sys.argv[2:], files, size, design]) + '\\n')
print('epoch 1/1: loss 1.000, accuracy 0.5, 3.0 images/s, 50.0% waiting')
print(f'accuracy={0.5 + int(sys.argv[3]) / 10 + number % 2 / 100}\\nimages_per_s=3.00\\nbytes_read=7\\nwait_share=0.5')
print('train_s=0.25\\ninfer_s=0.125\\ntest_s=0.375')
"""
COLUMNS = ["data", "name", "seed", "options", "accuracy", "nbytes", "load_s", "infer_s", "train_s", "test_s",
           "images_per_s", "wait_share"]
OPTIONS = ("--size", "96", "--epochs", "2")


class Baselines(Folder):
    def setUp(self):
        super().setUp()
        self.data, self.results = self.dir / "data", self.dir / "results.csv"
        run(MKIMAGES, "--classes", "2", "--count", "10", "--size", "96x72", self.data)
        for path in self.data.rglob("really-a-png.jpg"):
            path.unlink()
        Image.new("LA", (41, 33)).save(self.data / "train" / "bark" / "grey.png")
        for name in ("pixels", "frequencies"):
            self.put(f"{name}.py", FAKE.encode())

    def line(self, *options, train=OPTIONS):
        return [sys.executable, SCRIPT, "run", self.results, self.data, "--icfs", ICFS, "--pixels",
                self.dir / "pixels.py", "--frequencies", self.dir / "frequencies.py", "--images", "4", "--rounds", "1",
                *options, "--", *train]

    def rows(self):
        with self.results.open(newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertTrue(all(list(row) == COLUMNS for row in rows))
        return rows

    def given(self, script):
        return [json.loads(line) for line in (self.dir / f"{script}.log").read_text().splitlines()]

    def refused(self, *line):
        done = subprocess.run([str(word) for word in line], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"^baselines: [^\n]*\n$")
        return done.stderr

    def mean_bytes(self):
        paths = [path for path in self.data.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
        return sum(path.stat().st_size for path in paths) / len(paths)

    def test_jpeg_is_the_tree_as_it_is(self):
        run(*self.line("--only", "jpeg", "--seeds", "2"))
        rows = self.rows()
        self.assertEqual([(row["name"], row["seed"], row["data"], row["options"]) for row in rows],
                         [("JPEG", seed, "data", "--size 96 --epochs 2") for seed in "01"])
        self.assertEqual([row["accuracy"] for row in rows], ["0.5", "0.61"])
        self.assertEqual([rows[0][name] for name in ("infer_s", "train_s", "test_s", "images_per_s", "wait_share")],
                         ["0.125", "0.25", "0.375", "3.00", "0.5"])
        self.assertAlmostEqual(float(rows[0]["nbytes"]), self.mean_bytes(), delta=0.051)
        self.assertGreater(float(rows[0]["load_s"]), 0)
        (arguments, files, *_), _ = self.given("pixels")
        self.assertEqual(arguments, ["--seed", "0", *OPTIONS])
        self.assertIn("labels.txt", files)

    def test_tuned_trees_are_images_alone(self):
        run(*self.line("--only", "tuned", "--seeds", "1", "--quality", "10", "90", "--shrink", "1", "4"))
        rows = self.rows()
        self.assertEqual([row["name"] for row in rows], ["JPEG q10", "JPEG q90", "JPEG q10 1/4", "JPEG q90 1/4"])
        nbytes = [float(row["nbytes"]) for row in rows]
        self.assertTrue(nbytes[2] < nbytes[3] and nbytes[2] < nbytes[0] < nbytes[1], nbytes)
        for number, (arguments, files, size, *_) in enumerate(self.given("pixels")):
            self.assertEqual(arguments, ["--seed", "0", *OPTIONS])
            self.assertIn("train/bark/grey.png.jpg", files)
            self.assertFalse([name for name in files if not name.lower().endswith((".jpg", ".jpeg"))])
            self.assertEqual(len(files), 21)
            self.assertLessEqual(max(size), 96 if number < 2 else 24)

    def test_input_that_shrinks_along(self):
        run(*self.line("--only", "tuned", "--seeds", "1", "--quality", "50", "--shrink", "1", "2", "--scale-input"))
        self.assertEqual([row["name"] for row in self.rows()], ["JPEG q50", "JPEG q50 1/2 scaled"])
        self.assertEqual(self.given("pixels")[1][0], ["--seed", "0", *OPTIONS, "--size", "48"])

    def test_published_choices_read_jpegs(self):
        run(*self.line("--only", "selection", "--seeds", "1", "--select", "24", "64"))
        rows = self.rows()
        self.assertEqual([row["name"] for row in rows], ["CVPR2020-24", "CVPR2020-64"])
        for row, count, (arguments, files, _, design) in zip(rows, (24, 64), self.given("frequencies")):
            self.assertEqual(arguments, ["--seed", "0", *OPTIONS, "--channels", f"cvpr2020-{count}"])
            self.assertEqual(design, "0101080f08020000")
            self.assertTrue([name for name in files if name.endswith(".ic")])
            self.assertAlmostEqual(float(row["nbytes"]), self.mean_bytes(), delta=0.051)
            self.assertEqual(row["test_s"], "")  # it was that of another kind of files

    def test_orders_of_pruning(self):
        run(*self.line("--only", "orders", "--seeds", "1", "--design", "s2x2-b8-k5-q7"))
        rows, given = self.rows(), self.given("frequencies")
        self.assertEqual([row["name"] for row in rows],
                         [f"pruning {order} s2x2-b8-k5-q7" for order in ("oh", "ol", "ox", "oy")])
        self.assertEqual([design for *_, design in given], [f"02020805070200{order:02}" for order in range(4)])
        self.assertEqual({tuple(arguments) for arguments, *_ in given}, {("--seed", "0", *OPTIONS)})
        self.assertTrue(all(float(row["load_s"]) > 0 and float(row["nbytes"]) > 100 for row in rows))

    def test_chosen_designs_stand_beside_them(self):
        run(*self.line("--only", "jpeg", "--only", "choice", "--seeds", "2", "--choice", "s2x2-b8-k5-q7", "s1x2-b4-k5-q5"))
        self.assertEqual([(row["name"], row["seed"]) for row in self.rows()],
                         [(name, seed) for seed in "01" for name in ("JPEG", "s2x2-b8-k5-q7", "s1x2-b4-k5-q5")])
        self.assertEqual([design[:10] for *_, design in self.given("frequencies")], ["0202080507", "0102040505"] * 2)
        done = subprocess.run(list(map(str, self.line("--only", "choice"))), capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--only choice takes --choice DESIGN", done.stderr)

    def test_goes_on_where_it_was_interrupted(self):
        line = self.line("--only", "jpeg", "--only", "tuned", "--quality", "50", "--shrink", "1", "2", "--seeds", "2")
        head, tail = line[:line.index("--")], line[line.index("--"):]
        run(*head, "--most", "2", *tail)
        first = self.results.read_bytes()
        self.assertEqual([row["name"] for row in self.rows()], ["JPEG", "JPEG q50"])
        run(*line)
        self.assertTrue(self.results.read_bytes().startswith(first))
        self.assertEqual([(row["seed"], row["name"]) for row in self.rows()],
                         [(seed, name) for seed in "01" for name in ("JPEG", "JPEG q50", "JPEG q50 1/2")])
        whole = self.results.read_bytes()
        run(*line)
        self.assertEqual(self.results.read_bytes(), whole)
        run(*self.line("--only", "jpeg", "--seeds", "1", train=("--size", "128")))  # other options are another training
        self.assertEqual(len(self.rows()), 7)

    def test_a_file_keeps_its_columns(self):
        self.results.write_text("seed,name,nbytes,accuracy,options,load_s,data,note\n0,JPEG,1,0.5,old,1,data,mine\n")
        run(*self.line("--only", "jpeg", "--seeds", "1"))
        with self.results.open(newline="") as file:
            _, row = csv.DictReader(file)
        self.assertEqual([row[name] for name in ("seed", "name", "accuracy", "data", "note")],
                         ["0", "JPEG", "0.5", "data", ""])

    def test_no_tree_stays_behind(self):
        before = set((self.dir / "tmp").rglob("*"))
        (self.dir / "tmp").mkdir()
        self.put("pixels.py", b"import sys; sys.exit('no memory')")
        self.put("frequencies.py", b"print('accuracy=nan')")
        line = [sys.executable, SCRIPT, "run", self.results, self.data, "--icfs", ICFS]
        env = f"TMPDIR={self.dir / 'tmp'}"
        for only, script, said in (("tuned", "--pixels", "returned non-zero exit status 1"),
                                   ("orders", "--frequencies", "told no accuracy, or nonsense")):
            done = subprocess.run(["env", env, *map(str, line), "--only", only, script,
                                   self.dir / f"{script[2:]}.py"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)
        self.assertEqual(set((self.dir / "tmp").rglob("*")), before)
        self.assertFalse(self.results.exists())

    def test_what_is_no_dataset_or_no_results(self):
        (self.dir / "empty").mkdir()
        line = self.line("--only", "tuned")
        line[line.index(self.data)] = self.dir / "empty"
        self.assertIn("no images in train, val or test", self.refused(*line))
        for content in (b"a,b\n1,2\n", (",".join(COLUMNS) + "\nd,JPEG,0").encode(),
                        (",".join(COLUMNS) + "\nd,JPEG,0,,many,1,1,1,1,1,1,1\n").encode()):
            self.results.write_bytes(content)
            self.assertIn("is no file of this program, or a row of it is not whole", self.refused(*self.line()))
        self.assertIn("No such file", self.refused(sys.executable, SCRIPT, "table", self.dir / "none.csv"))

    def test_table(self):
        def row(name, seed, accuracy, nbytes, options="--epochs 2", infer_s="0.004"):
            return ["set", name, seed, options, accuracy, nbytes, "0.002", infer_s, "0.03", "0.007", "30", "0.1"]
        with self.results.open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *(row("JPEG", seed, a, 1000) for seed, a in ((0, 0.8), (1, 0.7))),
                                        *(row("odd | name", seed, a, 250) for seed, a in ((1, 0.73), (0, 0.81))),
                                        row("once", 0, 0.5, 500, infer_s=""), row("JPEG", 0, 0.9, 1000, "--epochs 3")])
        lines = run(sys.executable, SCRIPT, "table", self.results).decode().splitlines()
        self.assertEqual([line for line in lines if line.startswith("set")],
                         ["set, `--epochs 2`:", "set, `--epochs 3`:"])
        # Differences of 1 and 3 points: a deviation of sqrt(2), and 12.706 * sqrt(2) / sqrt(2).
        self.assertEqual(lines[4:7], [
            "| JPEG | 75.0 | 2 |  | 1000 | 1.00 | 2.00 | 4.00 | 7.00 | 30.00 |",
            "| odd \\| name | 77.0 | 2 | +2.0 ± 12.7 | 250 | 0.25 | 2.00 | 4.00 | 7.00 | 30.00 |",
            "| once | 50.0 | 1 | -30.0 | 500 | 0.50 | 2.00 |  | 7.00 | 30.00 |"])


if __name__ == "__main__":
    main(("numpy", "python3-numpy"))
