"""What people bring: files, folders, Hub ids, in any known layout."""
