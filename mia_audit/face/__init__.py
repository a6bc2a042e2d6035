"""What `import mia_audit` offers, made of the rooms below: an audit in one call, and a record that draws and tabulates itself."""
