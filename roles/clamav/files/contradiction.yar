// A ZIP says everything twice: before each file in it (its head) and in the directory at its end. The scanner unpacks by the one,
// receivers' programs by the other or by both, so a ZIP whose two descriptions differ is a virus for them and nothing for the
// scanner. The scanner compares every file that it meets with this rule, as with unscannable.ndb beside it, and the filter refuses
// what bears its name (Đ4.2, Đ10.6).
//
// A file that starts as a ZIP must have a directory that fits it to the byte. A ZIP behind other content (a program, a picture)
// must besides have its sizes in the heads, since the scanner then has no directory to take them from.
//
// As the scanner evaluates it: what lies outside of the file is undefined, and a comparison with it is false, so that it refuses;
// "for any x in (value)" gives a value a name, four deep at most; all of a condition is evaluated always, so the one loop runs
// over the entries that the end counts, 65,535 at most; "&" makes 0 of what is undefined, which a range must never see; numbers in
// hexadecimal have an even count of digits and are below 0x80000000. A rule with a mistake is left out with a line in the log.
rule Hanam_Unscannable_Zip
{
    strings:
        // As scarce as may be, since each place is kept: of an entry the high byte of its method, of its comment's length and its
        // disk are 0, in the end the directory's size is below 64 MB. What is written otherwise is not found, and refused.
        $entry = {
            50 4b 01 02 ?? ?? ?? ?? ?? ?? ?? 00 ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? 00 00 00
        }
        $end = { 50 4b 05 06 ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? (00|01|02|03) }

    condition:
        // A ZIP, or what programs take for one: an end where they look for it, and a directory before it or where it points.
        (
            uint32(0) == 0x04034b50
            or for any end in (@end[#end]) : (
                end + 65557 >= filesize
                and (
                    uint32(end - uint32(end + 12)) == 0x02014b50
                    or uint32(uint32(end + 16)) == 0x02014b50
                    or @entry[#entry] + 46 + uint16(@entry[#entry] + 28) + uint16(@entry[#entry] + 30)
                        + uint16(@entry[#entry] + 32) == end
                )
            )
        )
        // "start" is where the directory starts; start - uint32(end + 16), where the archive does.
        and not for any end in (@end[#end]) : (
            for any start in (end - uint32(end + 12)) : (
                // A ZIP in one of Microsoft's OLE2 files with something behind it, in a tar, as an attachment in a winmail.dat: the
                // scanner takes these apart, and meets the ZIP by itself.
                (
                    uint16(0) == 0xcfd0 and uint16(2) == 0xe011 and uint16(4) == 0xb1a1 and uint16(6) == 0xe11a
                    and end + 22 + uint16(end + 20) < filesize
                )
                or (
                    uint32(start - uint32(end + 16) - 255) == 0x61747375 and uint32(0) != 0x04034b50
                )
                or (
                    uint32(0) == 0x223e9f78 and uint32(start - uint32(end + 16) - 8) == 0x0006800f
                    and uint32(start - uint32(end + 16) - 4) + start - uint32(end + 16) >= end + 22
                )
                // Or all fits.
                or (
                    filesize < 64MB
                    and (start == uint32(end + 16) or uint32(0) != 0x04034b50)
                    // Behind a tar or a gzip file the scanner does not look for a ZIP.
                    and (uint32(0) == 0x04034b50 or not uint32(257) == 0x61747375)
                    and not uint16(0) == 0x8b1f
                    and uint16(end + 8) == uint16(end + 10)
                    and @entry[#entry - uint16(end + 10) + 1] == start
                    and for all i in (#entry - (uint16(end + 10) & 0xffff) + 1..#entry) : (
                        for any head in (start - uint32(end + 16) + uint32(@entry[i] + 42)) : (
                            uint32(head) == 0x04034b50
                            // Password and masked head; method; length of the name.
                            and ((uint16(head + 6) ^ uint16(@entry[i] + 8)) & 0x2001) == 0
                            and uint16(head + 8) == uint16(@entry[i] + 10)
                            and uint16(head + 26) == uint16(@entry[i] + 28)
                            // Both sizes, unless they stand behind the content: then the scanner takes the directory's.
                            and (
                                ((uint16(head + 6) & 8) == 8 and uint32(0) == 0x04034b50)
                                or (
                                    (uint16(head + 6) & 8) == 0
                                    and uint32(head + 18) == uint32(@entry[i] + 20)
                                    and uint32(head + 22) == uint32(@entry[i] + 24)
                                )
                            )
                            // The content ends before the directory, and each entry where the next one starts.
                            and head + 30 + uint16(head + 26) + uint16(head + 28) + uint32(@entry[i] + 20) <= start
                            and (
                                @entry[i] + 46 + uint16(@entry[i] + 28) + uint16(@entry[i] + 30)
                                    + uint16(@entry[i] + 32) == @entry[i + 1]
                                or (
                                    i == #entry
                                    and @entry[i] + 46 + uint16(@entry[i] + 28) + uint16(@entry[i] + 30)
                                        + uint16(@entry[i] + 32) == end
                                )
                            )
                        )
                    )
                )
            )
        )
}
