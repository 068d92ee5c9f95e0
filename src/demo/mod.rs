pub const REPORTS: u32 = 40;
pub async fn is_empty(_: &crate::store::Store) -> Result<bool, String> { Ok(false) }
pub async fn fill(_: &crate::store::Store, _: u32) -> Result<(), String> { Ok(()) }
