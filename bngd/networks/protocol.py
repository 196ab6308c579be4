"""The protocol of the authors' scripts, row by row; `bngd.networks.command` runs one, `book/protocol.md` shows all."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bngd.networks.architectures import CIFAR, M1, M2, M3, M4, Network, m5
from bngd.networks.data import load
from bngd.networks.images import Images
from bngd.networks.jobs import Job

REPETITIONS = 5
VALIDATION = 5000
"""Training images of MNIST and Fashion-MNIST that TensorFlow's reader keeps aside."""


@dataclass(frozen=True)
class Grid:
    """Step sizes ``logspace(low, high, n)``."""

    low: float
    high: float
    n: int

    def rates(self) -> NDArray[np.float64]:
        """Return the rates."""
        return np.logspace(self.low, self.high, self.n)

    def __str__(self) -> str:
        """Return the grid as the book's page shows it."""
        return f"{self.n} rates, 1e{self.low:g} to 1e{self.high:g}"


_A, _G = Grid(-3, 3, 40), Grid(-3, 1, 20)
_Z = (1.0, 0.1, 0.01, 0.001)


@dataclass(frozen=True)
class Row:
    """One script of the authors: a network, a method and a grid of step sizes.

    Attributes
    ----------
    name : str
        Of the script.
    dataset : str
        A key of `bngd.networks.data.DATASETS`.
    networks : tuple of Network
        Without BN; the method adds it.
    method : {"gd", "bn", "bn_split"}
    grid : Grid
    steps : int
        As the script counts: it makes one update more.
    lr_as : tuple of float
        The rates of gamma and beta of ``bn_split``.
    scales : tuple of float
        Factors on the initial weights.
    rescaled : bool
        Whether the rate is multiplied by the square of that factor.
    gammas : tuple of float
        Initial gammas.
    centred : bool
        Whether the mean image is subtracted.
    """

    name: str
    dataset: str
    networks: tuple[Network, ...]
    method: str
    grid: Grid
    steps: int
    lr_as: tuple[float, ...] = ()
    scales: tuple[float, ...] = (1.0,)
    rescaled: bool = False
    gammas: tuple[float, ...] = (1.0,)
    centred: bool = False

    def jobs(self, *, repetitions: int = REPETITIONS, described: bool = False) -> list[Job]:
        """Return every run of the row.

        Parameters
        ----------
        repetitions : int
        described : bool
            Whether to train the BN networks as they were surely meant, instead of as published.
        """
        sampling = "replacement" if self.dataset.startswith("cifar10") else "epochs"
        first = Job(self._network(self.networks[0], described), 1.0, steps=self.steps + 1, sampling=sampling)
        return [
            replace(
                first,
                network=self._network(network, described),
                lr=float(lr * t**2 if self.rescaled else lr),
                lr_a=lr_a,
                seed=seed,
                stream=stream,
                scale=t,
                gamma=gamma,
            )
            for seed in range(repetitions)
            for network in self.networks
            for lr_a in self.lr_as or (None,)
            for t in self.scales
            for gamma in self.gammas
            for stream, lr in enumerate(self.grid.rates())
        ]

    def with_hidden(self, hidden: int) -> "Row":
        """Return a row of m5 at one hidden width, a row's worth of runs: the script's own part, or one that it has not.

        Raises
        ------
        ValueError
            If the row does not train m5, or the width is below 1.
        """
        if not set(self.networks) <= set(_M5):
            names = "; ".join(network.name for network in self.networks)
            raise ValueError(f"--hidden is {hidden}, but {self.name} trains {names}; give it to a row of m5")
        if hidden < 1:
            raise ValueError(f"--hidden is {hidden}; give at least 1")
        return replace(self, networks=(m5(hidden),))

    def data(self) -> Images:
        """Return the data as the script read them, in full: a row is not run on a fallback."""
        data = load(self.dataset)
        if not self.dataset.startswith("cifar10"):
            data = data.without_first(VALIDATION)
        return data.centred() if self.centred else data

    def _network(self, network: Network, described: bool) -> Network:
        if self.method == "gd":
            return network
        normalised = network.with_batch_norm()
        return normalised if described else normalised.as_published()


_GD, _BN, _SPLIT = "gd", "bn", "bn_split"
_MNIST, _FASHION, CIFAR10 = "mnist", "fashion-mnist", "cifar10-scrambled"
_FOUR, _NINE = (0.01, 0.1, 1.0, 10.0), tuple(float(t) for t in np.logspace(-2, 2, 9))
_GAMMAS = tuple(float(gamma) for gamma in np.logspace(-8, 0, 5))
_M5 = tuple(m5(hidden) for hidden in (10, 100, 1000))
_TENS = Grid(-3, 1, 5)

_ALL = (
    Row("mnist_gdlr", _MNIST, (M1,), _GD, _G, 600),
    Row("mnist_bnlr", _MNIST, (M1,), _BN, _A, 600),
    Row("mnist_bnsplr", _MNIST, (M1,), _SPLIT, _A, 600, (0.001,)),
    Row("mnist_sca_gdlr", _MNIST, (M1,), _GD, Grid(-4, 4, 40), 600, scales=_FOUR),
    Row("mnist_sca_bnlr", _MNIST, (M1,), _BN, Grid(-4, 4, 40), 600, scales=_FOUR),
    Row("mnist_sca_bnsplr", _MNIST, (M1,), _SPLIT, Grid(-4, 4, 20), 600, (1.0,), scales=_NINE, rescaled=True),
    Row("mnist_m2_gdlr", _MNIST, (M2,), _GD, _G, 6000),
    Row("mnist_m2_bnlr", _MNIST, (M2,), _BN, _A, 6000),
    Row("mnist_m2_bnsplr", _MNIST, (M2,), _SPLIT, _A, 600, (0.001,)),
    Row("mnist_m4_gdlr", _MNIST, (M4,), _GD, Grid(-3, 5, 40), 6000),
    Row("mnist_m4_bnlr", _MNIST, (M4,), _BN, Grid(-3, 5, 40), 6000),
    Row("mnist_m4_bnsplr", _MNIST, (M4,), _SPLIT, Grid(-3, 7, 40), 6000, _Z),
    Row("mnist_m5_gdlr", _MNIST, _M5, _GD, Grid(-3, 6, 40), 6000),
    Row("mnist_m5_bnlr", _MNIST, _M5, _BN, Grid(-3, 6, 40), 6000),
    Row("mnist_m5_bnsplr", _MNIST, _M5, _SPLIT, Grid(-3, 7, 40), 3000, (10.0, 1.0, 0.1)),
    Row("fmnist_m1_gdlr", _FASHION, (M1,), _GD, _G, 1200),
    Row("fmnist_m1_bnlr", _FASHION, (M1,), _BN, _A, 1200),
    Row("fmnist_m1_bnsplr", _FASHION, (M1,), _SPLIT, _A, 1200, (0.001,)),
    Row("fmnist_m1_bnalr", _FASHION, (M1,), _BN, _A, 3000, gammas=_GAMMAS),
    Row("fmnist_m1_bnasplr", _FASHION, (M1,), _SPLIT, _A, 3000, (0.1, 1.0), gammas=_GAMMAS),
    Row("fmnist_m2_gdlr", _FASHION, (M2,), _GD, _G, 1200),
    Row("fmnist_m2_bnlr", _FASHION, (M2,), _BN, _A, 1200),
    Row("fmnist_m2_bnsplr", _FASHION, (M2,), _SPLIT, _A, 1200, _Z),
    Row("fmnist_m3_gdlr", _FASHION, (M3,), _GD, _G, 6000),
    Row("fmnist_m3_bnlr", _FASHION, (M3,), _BN, _A, 12000),
    Row("fmnist_m3_bnsplr", _FASHION, (M3,), _SPLIT, _A, 12000, _Z),
    Row("fmnist_m3_bnsplr2", _FASHION, (M3,), _SPLIT, _A, 1200, _Z),
    Row("cifar10_m1_gdlr", CIFAR10, (CIFAR,), _GD, _G, 1000),
    Row("cifar10_m1_bnlr", CIFAR10, (CIFAR,), _BN, _A, 1000),
    Row("cifar10_m1_bnsplr", CIFAR10, (CIFAR,), _SPLIT, _A, 1000, _Z),
    Row("cifar10_m1_gdlr2", CIFAR10, (CIFAR,), _GD, _G, 1000, centred=True),
    Row("cifar10_m1_bnlr2", CIFAR10, (CIFAR,), _BN, _A, 1000, centred=True),
    Row("cifar10_m1_bnsplr2", CIFAR10, (CIFAR,), _SPLIT, _A, 1000, _Z),  # not centred: the script is bnsplr again
    Row("cifar10_m1_cmp_gd", CIFAR10, (CIFAR,), _GD, _TENS, 10000),
    Row("cifar10_m1_cmp_bn", CIFAR10, (CIFAR,), _BN, _TENS, 10000),
    Row("cifar10_m1_cmp_bnsp", CIFAR10, (CIFAR,), _SPLIT, _TENS, 10000, _Z),
)
ROWS = {row.name: row for row in _ALL}
"""Every script that trains by plain gradient descent, by its name."""

ADAM = ("cifar10_m1_cmp_adam", "cifar10_m1_cmp_adam2")
"""The two scripts that train by Adam, which is not this book's subject: they have no row."""
