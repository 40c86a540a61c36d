"""Downloads of a simulated server: jobs whose progress follows from the clock. Source: api notes 1.7."""

import itertools
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apehost_core.testing.models import SimModel


@dataclass(frozen=True, slots=True)
class _Job:
    id: str
    model: SimModel
    takes_s: float
    fails: bool
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    at: float = field(default_factory=time.monotonic)

    @property
    def fraction(self) -> float:
        done = min(1.0, (time.monotonic() - self.at) / self.takes_s) if self.takes_s else 1.0
        return min(done, 0.5) if self.fails else done

    @property
    def status(self) -> str:
        if self.fails and self.fraction >= 0.5:
            return "failed"
        return "completed" if self.fraction >= 1 else "downloading"


class Downloads:
    """The jobs of one server.

    Attributes:
        takes_s: Seconds that the next downloads take.
        fail: The next downloads fail half-way.
    """

    def __init__(self, takes_s: float = 1.0) -> None:
        self.takes_s = takes_s
        self.fail = False
        self._jobs: dict[str, _Job] = {}
        self._numbers = itertools.count(0x493C7C9DED)

    def has(self, model: SimModel) -> bool:
        """Whether a model is on the disk, from the start or by now."""
        jobs = list(self._jobs.values())
        return model.downloaded or any(job.model.key == model.key and job.status == "completed" for job in jobs)

    def begin(self, model: SimModel) -> dict[str, Any]:
        """Begin a download, or find the one under way; returns what the server says about it."""
        if self.has(model):
            return {"status": "already_downloaded"}
        jobs = [job for job in self._jobs.values() if job.model.key == model.key and job.status == "downloading"]
        job = jobs[0] if jobs else _Job(f"job_{next(self._numbers):010x}", model, self.takes_s, self.fail)
        self._jobs[job.id] = job
        return {
            "job_id": job.id,
            "status": "downloading",
            "total_size_bytes": model.size_bytes,
            "started_at": job.began.isoformat(),
        }

    def status(self, job_id: str) -> dict[str, Any] | None:
        """Return what the server says about a job; None when there is none of that id."""
        job = self._jobs.get(job_id)
        if job is None:
            return None
        size, ends = job.model.size_bytes, job.began + timedelta(seconds=job.takes_s)
        said: dict[str, Any] = {
            "job_id": job.id,
            "status": job.status,
            "total_size_bytes": size,
            "downloaded_bytes": int(size * job.fraction),
            "started_at": job.began.isoformat(),
        }
        if job.status == "downloading":
            said |= {"bytes_per_second": size / job.takes_s, "estimated_completion": ends.isoformat()}
        if job.status == "completed":
            said["completed_at"] = ends.isoformat()
        return said
