"""DTU: the classroom of the paper. Needs a login."""

from __future__ import annotations

from ...benchmark.source import Source

SOURCE = Source(
    title="DTU: the classroom of Bianco et al. 2021, 16 kHz",
    kind="rooms",
    reader="dtu",
    licence="unverified; see the download page",
    citation="M. J. Bianco, S. Gannot, E. Fernandez-Grande, P. Gerstoft, IEEE Access 9, 2021; data: doi.org/10.21227/c5cn-jv76",
    download_bytes=0,
    login="Get the responses from doi.org/10.21227/c5cn-jv76 (login), or DTU_RIR_speech_{train,valid,off_grid,off_range}.mat"
    " from acsweb.ucsd.edu/~mbianco/data.",
)
