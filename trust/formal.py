"""Formal proofs: Coq checks `trust/formal.v`, and what it proved, from which axioms, is kept.

Run as ``python -m trust.formal``; needs ``coqc``, Debian's package coq, of 8.16 or later.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from trust import kept

SOURCE = kept.ROOT / "trust" / "formal.v"

THEOREMS = {
    "orthogonality": "the gradient is orthogonal to the weights",
    "norm_growth": "each step adds the squared length of its increment to ||w||^2",
    "norm_never_falls": "so that no step shortens w",
    "decomposition": "J - J_min = (a - w'g/s)^2/2 + ||e||_H^2/2",
    "best_a": "w'g/s is the best a",
    "only_best_a": "and the only one",
    "contraction": "||e||_H shrinks by max |1 - eff l_i| in a step, whatever eps, eps_a and a",
    "weights_never_shrink": "||w_k|| >= ||w_0|| for every k",
    "a_bounded": "|a_k| stays below any A >= |a_0|, eps_a ||u||_H/(1 - |1 - eps_a|), for every k and eps",
    "gradient_budget": "2 eps^2 sum_{j<k} ||w_j||^2 ||grad_w J||^2 <= ||w_k||^4 - ||w_0||^4 for every k",
    "own_time": "J_k - J_min >= (1 - eps_a)^(2k) (||u||_H - |a_0|)^2/2 for every k and eps (the scale's own time)",
    "scaling": "w times c and eps times c^2 give the step times c",
    "layer_tent": "any normalized layer: eff_1 = 1/(G_0 (x + 1/x)) after one update, x = eps G_0/||W_0||^2",
    "layer_growth": "and ||W_k||^2 <= (1 + (k - 1)(G eff_1)^2) ||W_1||^2, if no gradient there exceeds G",
    "hidden_scale_is_free": "behind ReLU a normalized layer gives for t (gamma, beta), t > 0, what it gives for t = 1",
    "no_slope_along": "so that the loss has no slope along (gamma, beta), and these have the tent of a layer",
    "cross_entropy_floor": "normalized logits of C classes: L >= log(1 + (C - 1) exp(-C A/(C - 1)))",
    "floor_of_the_norm": "and L >= log(1 + (C - 1) exp(-sqrt(C/(C - 1)) ||(gamma, beta)||)), whatever the shares",
    "scale_law": "an update adds 2 eps_a (H - L) and the square of the step to ||gamma||^2 + ||beta||^2",
    "right_is_unsure": "where H >= L as soon as every image is classified rightly",
    "scale_growth": "so that C rms gamma^2 <= C gamma_0^2 + 2 eps_a k (omega + eps_a) for every k, on any batches",
    "safe_scale": "an update of gamma and beta alone lowers L by eps_a (1 - eps_a/4) ||grad||^2 or more",
}
"""What is proved, in words."""

AXIOMS = {
    "ClassicalDedekindReals.sig_not_dec", "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep", "Classical_Prop.classic",
}  # fmt: skip
"""What Coq's own real numbers rest on, the last one their logarithm; nothing else may be assumed."""


def digest() -> str:
    """Return the SHA-256 of the proofs."""
    return sha256(SOURCE.read_bytes()).hexdigest()


def assumed(folder: Path) -> set[str]:
    """Let Coq check the file and return the axioms that its theorems rest on; a proof that fails raises."""
    asked = f"Definition everything := ({', '.join(THEOREMS)}).\nPrint Assumptions everything.\n"
    (folder / SOURCE.name).write_text(SOURCE.read_text() + asked)
    done = subprocess.run(["coqc", "-q", SOURCE.name], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"Coq refuses {SOURCE.name}: {done.stderr.strip()}")
    said = done.stdout.replace("Axioms:", "")
    return set(re.findall(r"^(\S+)(?:\s*:| is assumed to be)", said, re.MULTILINE))


def main() -> int:
    """Check the proofs, keep what they say, and return 1 if they assume anything of their own."""
    if shutil.which("coqc") is None:
        print("no coqc here: install Coq (on Debian: apt-get install --no-install-recommends coq)", file=sys.stderr)
        return 2
    version = subprocess.run(["coqc", "--print-version"], capture_output=True, text=True, check=True).stdout.split()[0]
    with tempfile.TemporaryDirectory() as folder:
        axioms = assumed(Path(folder))
    print(f"Coq {version}: {len(THEOREMS)} theorems proved, from {len(axioms)} axioms of the real numbers")
    if axioms - AXIOMS:
        print(f"ASSUMED: {', '.join(sorted(axioms - AXIOMS))}")
        return 1
    kept.write("formal", {"coq": version, "sha256": digest(), "theorems": sorted(THEOREMS)}, "make formal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
