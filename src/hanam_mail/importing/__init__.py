"""An agency's list of requests (Đ11.4): from a spreadsheet as agencies send it to edits of the registry.

    sheets = reading.read(path)              XLSX or CSV; refuses dangerous and unreadable files
    found = lists.entries(sheets, day)       the rows under the headings, as typed entries; all bad rows at once
    plan = planning.plan(registry, found, request, done)    a WorkingCopy with all edits, or all that is wrong

Every problem names the sheet, the row in it as a person sees it, the column and the reason. Birth dates and home places
make an address differ from a namesake's (Đ5.2c) and are never kept otherwise, printed or logged.
"""
