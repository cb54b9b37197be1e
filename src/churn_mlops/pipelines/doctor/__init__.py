"""``churn doctor``: looks at everything the other jobs depend on, and changes nothing."""

from churn_mlops.pipelines.doctor.findings import Finding
from churn_mlops.pipelines.doctor.run_checks import examine

__all__ = ["Finding", "examine"]
