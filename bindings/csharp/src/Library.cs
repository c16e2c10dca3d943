using System;

namespace LifePay
{
    // The functions of lifepay.h. They are looked up by hand instead of with DllImport, because
    // each runtime searches different places for a library, and none reports which.
    internal sealed class Library
    {
        public const uint Forever = 0xFFFFFFFF;

        static readonly object Gate = new object();
        static volatile Library loaded;

        public readonly string Path;
        public readonly InitConfig ConfigInit;
        public readonly InitResult ResultInit;
        public readonly FreeResult ResultFree;
        public readonly SendRequest OpenShift;
        public readonly SendRequest Send;
        public readonly WriteText ExtIdNew;
        public readonly OpenOutbox OutboxOpen;
        public readonly SubmitRequest OutboxSubmit;
        public readonly WaitFor OutboxWait;
        public readonly CancelEntry OutboxCancel;
        public readonly ShowEntries OutboxEach;
        public readonly OfEntry OutboxRetryNow;
        public readonly OfEntry OutboxForget;
        public readonly CountPending OutboxPending;
        public readonly CloseOutbox OutboxClose;
        public readonly TextOfCode CodeName;
        public readonly TextOfCode CodeText;
        public readonly SetLog SetLog;
        public readonly LogToFile LogToFile;
        public readonly Text Version;
        public readonly Number VersionNumber;

        // Loads the library at the first call; it stays loaded until the process ends. A failure is
        // not cached: the file may be put in place and the call retried.
        public static Library Loaded
        {
            get
            {
                if (loaded == null)
                {
                    lock (Gate)
                    {
                        if (loaded == null)
                            loaded = new Library(Loader.Open());
                    }
                }
                return loaded;
            }
        }

        Library(Loader.Module module)
        {
            Path = module.Path;
            ConfigInit = module.Function<InitConfig>("lp_config_init");
            ResultInit = module.Function<InitResult>("lp_result_init");
            ResultFree = module.Function<FreeResult>("lp_result_free");
            OpenShift = module.Function<SendRequest>("lp_open_shift");
            Send = module.Function<SendRequest>("lp_send");
            ExtIdNew = module.Function<WriteText>("lp_ext_id_new");
            OutboxOpen = module.Function<OpenOutbox>("lp_outbox_open");
            OutboxSubmit = module.Function<SubmitRequest>("lp_outbox_submit");
            OutboxWait = module.Function<WaitFor>("lp_outbox_wait");
            OutboxCancel = module.Function<CancelEntry>("lp_outbox_cancel");
            OutboxEach = module.Function<ShowEntries>("lp_outbox_each");
            OutboxRetryNow = module.Function<OfEntry>("lp_outbox_retry_now");
            OutboxForget = module.Function<OfEntry>("lp_outbox_forget");
            OutboxPending = module.Function<CountPending>("lp_outbox_pending");
            OutboxClose = module.Function<CloseOutbox>("lp_outbox_close");
            CodeName = module.Function<TextOfCode>("lp_code_name");
            CodeText = module.Function<TextOfCode>("lp_code_text");
            SetLog = module.Function<SetLog>("lp_set_log");
            LogToFile = module.Function<LogToFile>("lp_log_to_file");
            Version = module.Function<Text>("lp_version");
            VersionNumber = module.Function<Number>("lp_version_number");
        }
    }
}
