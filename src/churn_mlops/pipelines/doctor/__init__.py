"""``churn doctor``: looks at everything the other jobs depend on, and changes nothing."""

from churn_mlops.pipelines.doctor.examination import examine
from churn_mlops.pipelines.doctor.findings import Finding

__all__ = ["Finding", "examine"]
