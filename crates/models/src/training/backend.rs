use burn::tensor::Device;

use super::RunError;

/// The variable that chooses among the backends that are compiled in.
const CHOICE: &str = "BURN_DEVICE";

/// The device that the variable `BURN_DEVICE` names, or else Burn's first choice among the backends
/// that are compiled in.
///
/// # Errors
///
/// If the variable names a backend that is not compiled in.
pub fn chosen_device() -> Result<Device, RunError> {
    if let Some(given) = std::env::var_os(CHOICE) {
        let given = given.to_string_lossy().into_owned();
        if !compiled().any(|name| name.eq_ignore_ascii_case(&given)) {
            return Err(RunError::Device {
                given,
                compiled: compiled().collect(),
            });
        }
    }
    Ok(Device::default())
}

/// The backends that are compiled in, by the names of their features.
fn compiled() -> impl Iterator<Item = &'static str> {
    // as in Burn, each of its graphics interfaces makes wgpu available too
    let wgpu = cfg!(any(
        feature = "wgpu",
        feature = "vulkan",
        feature = "metal",
        feature = "webgpu"
    ));
    let backends = [
        ("flex", cfg!(feature = "flex")),
        ("ndarray", cfg!(feature = "ndarray")),
        ("wgpu", wgpu),
        ("vulkan", cfg!(feature = "vulkan")),
        ("metal", cfg!(feature = "metal")),
        ("webgpu", cfg!(feature = "webgpu")),
        ("cuda", cfg!(feature = "cuda")),
        ("rocm", cfg!(feature = "rocm")),
        ("cpu", cfg!(feature = "cpu")),
    ];
    backends
        .into_iter()
        .filter_map(|(name, is_compiled)| is_compiled.then_some(name))
}

/// Whether a device computes in the memory of the processor, where its numbers are read and written
/// without a copy.
pub(super) fn is_host(device: &Device) -> bool {
    matches!(backend_name(device).as_str(), "flex" | "ndarray")
}

/// What a device computes with, such as `flex` or `wgpu`; the same with autodiff.
pub fn backend_name(device: &Device) -> String {
    let device = device.clone().without_autodiff();
    name_of(&format!("{:?}", device.as_dispatch()))
}

/// The backend's name in what the device is called, or where `Cube` stands for it, its runtime's.
fn name_of(device: &str) -> String {
    let mut words = device.split(|c: char| !c.is_ascii_alphanumeric());
    let name = words.find(|word| *word != "Cube");
    name.unwrap_or(device).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_the_same_with_autodiff() {
        let device = Device::default();
        let name = backend_name(&device);
        assert!(compiled().any(|backend| backend == name), "{name}");
        assert_eq!(backend_name(&device.autodiff()), name);
    }

    #[test]
    fn graphics_processors_are_called_by_their_runtime() {
        assert_eq!(name_of("Flex(FlexDevice)"), "flex");
        assert_eq!(name_of("NdArray(Cpu)"), "ndarray");
        assert_eq!(name_of("Cube(Wgpu(DefaultDevice))"), "wgpu");
    }
}
