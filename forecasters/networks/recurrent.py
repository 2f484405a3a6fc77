"""Recurrent encoders: a state that is carried from bar to bar."""

from torch import Generator, Tensor, nn

from tradewind.forecasters.networks.base import Encoder, bare


class LstmEncoder(Encoder):
    """LSTM over a window; its last state."""

    def __init__(self, n_inputs: int, *, hidden: int, layers: int, generator: Generator) -> None:
        super().__init__(hidden)
        self.cells: nn.LSTM = bare(nn.LSTM, n_inputs, hidden, layers, batch_first=True)
        for name, parameter in self.cells.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(parameter, generator=generator)  # (4H, F)
            elif name.startswith("weight_hh"):
                for gate in parameter.data.split(hidden):  # 4 of (H, H)
                    nn.init.orthogonal_(gate, generator=generator)
            else:
                nn.init.zeros_(parameter)  # (4H,)
            if name.startswith("bias_ih"):
                # A forget gate that begins open lets gradients reach the window's start
                # (Jozefowicz, Zaremba and Sutskever 2015).
                parameter.data[hidden : 2 * hidden] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, H)."""
        states, _ = self.cells(x)  # (B, T, F) -> (B, T, H)
        last: Tensor = states[:, -1]  # (B, T, H) -> (B, H)
        return last
