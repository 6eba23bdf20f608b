"""How Kubernetes names accelerators: the resource that a pod asks for and the label that tells nodes apart."""

from dataclasses import dataclass

_RESOURCES = {
    "NVIDIA": "nvidia.com/gpu",
    "AMD": "amd.com/gpu",
    "Google": "google.com/tpu",
    "AWS": "aws.amazon.com/neuron",
}
_INTEL_RESOURCES = {"Intel-Gaudi": "habana.ai/gaudi", "Intel": "gpu.intel.com/xe"}
PRODUCT_LABEL = "nvidia.com/gpu.product"
_PRODUCTS = {
    "NVIDIA-T4-16GB": "Tesla-T4",
    "NVIDIA-V100-16GB-SXM": "Tesla-V100-SXM2-16GB",
    "NVIDIA-V100-32GB-SXM": "Tesla-V100-SXM2-32GB",
    "NVIDIA-A10-24GB": "NVIDIA-A10",
    "NVIDIA-A10G-24GB": "NVIDIA-A10G",
    "NVIDIA-A30-24GB": "NVIDIA-A30",
    "NVIDIA-A40-48GB": "NVIDIA-A40",
    "NVIDIA-A100-40GB-SXM": "NVIDIA-A100-SXM4-40GB",
    "NVIDIA-A100-40GB-PCIe": "NVIDIA-A100-PCIE-40GB",
    "NVIDIA-A100-80GB-SXM": "NVIDIA-A100-SXM4-80GB",
    "NVIDIA-A100-80GB-PCIe": "NVIDIA-A100-80GB-PCIe",
    "NVIDIA-L4-24GB": "NVIDIA-L4",
    "NVIDIA-L40-48GB": "NVIDIA-L40",
    "NVIDIA-L40S-48GB": "NVIDIA-L40S",
    "NVIDIA-H100-80GB-SXM": "NVIDIA-H100-80GB-HBM3",
    "NVIDIA-H100-80GB-PCIe": "NVIDIA-H100-PCIe",
    "NVIDIA-H100-94GB-NVL": "NVIDIA-H100-NVL",
    "NVIDIA-H20-96GB": "NVIDIA-H20",
    "NVIDIA-H200-141GB-SXM": "NVIDIA-H200",
    "NVIDIA-H200-141GB-NVL": "NVIDIA-H200-NVL",
    "NVIDIA-B200-180GB-SXM": "NVIDIA-B200",
    "NVIDIA-RTX-A6000-48GB": "NVIDIA-RTX-A6000",
    "NVIDIA-RTX-6000-ADA-48GB": "NVIDIA-RTX-6000-Ada-Generation",
}  # labels that GPU feature discovery derives from the driver's product name


@dataclass(frozen=True, slots=True)
class NodeAccelerator:
    """An accelerator as nodes advertise it; `product` is None where its label is not known."""

    resource: str
    product: str | None

    @property
    def selector(self) -> dict[str, str]:
        """Labels of the nodes that have it; empty where they are not known."""
        return {PRODUCT_LABEL: self.product} if self.product else {}


def node_accelerator(gpu_type: str) -> NodeAccelerator | None:
    """The accelerator on nodes, or None for a vendor whose device plugin is not known."""
    vendor = gpu_type.partition("-")[0]
    resource = next((name for prefix, name in _INTEL_RESOURCES.items() if gpu_type.startswith(prefix)), None)
    resource = resource or _RESOURCES.get(vendor)
    return NodeAccelerator(resource, _PRODUCTS.get(gpu_type)) if resource else None
