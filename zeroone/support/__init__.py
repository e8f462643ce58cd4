"""What every part of the package uses: checks of input, files, tables, schedules."""
