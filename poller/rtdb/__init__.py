"""Everything that speaks Firebase Realtime Database: values, client, queue, journal, embedded server."""
