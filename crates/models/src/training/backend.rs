use burn::tensor::Device;

/// What a device computes with, such as `flex` or `wgpu`.
pub fn backend_name(device: &Device) -> String {
    let name = format!("{:?}", device.as_dispatch());
    let word: String = name
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    word.to_ascii_lowercase()
}
